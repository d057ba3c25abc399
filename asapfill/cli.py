"""Commands."""


def main() -> None:
    """Run asapfill."""
