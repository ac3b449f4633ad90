"""Which Pods need somebody."""

from kubernetes.client import ApiClient

from skills.find_problems import find_problems


def list_unhealthy_pods(api: ApiClient, *, namespace: str, label_selector: str) -> list[str]:
    """The sorted names of the Pods that are neither ready nor completed."""
    problems = find_problems(api, namespace=namespace, label_selector=label_selector)
    objects = {problem["object"] for problem in problems}
    return sorted(name.removeprefix("Pod/") for name in objects if name.startswith("Pod/"))
