"""Print the unpacked size of each built layer and fail when one outgrows its limit."""

import sys
from pathlib import Path

LIMITS_MB = {"SharedLayer": 40, "EngineLayer": 150}


def size_mb(folder: Path) -> float:
    """Size of all files below a folder, in megabytes."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


def main(build: Path) -> int:
    """Look at every layer below the build folder; all layers with a limit must be there."""
    failed = False
    for name, limit in LIMITS_MB.items():
        folders = sorted(build.rglob(name))
        if not folders:
            print(f"{name}: not built")
            failed = True
        for folder in folders:
            size = size_mb(folder)
            failed |= size > limit
            print(f"{folder.relative_to(build)}: {size:.1f} MB of {limit}{' TOO LARGE' if size > limit else ''}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
