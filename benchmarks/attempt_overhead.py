"""What an attempt costs besides the model's replies, the program's run and settling.

Replays the recorded demo on an embedded cluster and prints, phase by phase, the median over its attempts in
milliseconds. Run it on a quiet machine:

    python benchmarks/attempt_overhead.py [--iterations 14] [--runs 3]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import voyager_k8s as voyager
from voyager_k8s.core.config import ModelsConfig
from voyager_k8s.learning.journal import FREE_PHASES
from voyager_k8s.learning.settings import resolve_cassette


def main() -> None:
    """Replay and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=14)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    models = ModelsConfig(replay=str(resolve_cassette("demo")))
    config = voyager.CampaignConfig(models=models, iterations=options.iterations)
    for run in range(1, options.runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            status = voyager.learn(Path(folder) / "demo", config)
        phases = {name: seconds for name, seconds in status.seconds_per_phase.items() if name not in FREE_PHASES}
        shown = "  ".join(f"{name} {seconds * 1000:.1f}" for name, seconds in phases.items())
        overhead = (status.overhead_seconds_per_attempt or 0) * 1000
        print(f"run {run}: {status.attempts} attempts, own overhead {overhead:.0f} ms (median)   {shown}")


if __name__ == "__main__":
    main()
