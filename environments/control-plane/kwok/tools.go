//go:build tools

// Package tools pins kwok (the node simulator) and kwokctl (which starts and
// stops a cluster of local processes); both are built by their import paths.
package tools

import (
	_ "sigs.k8s.io/kwok/cmd/kwok"
	_ "sigs.k8s.io/kwok/cmd/kwokctl"
)
