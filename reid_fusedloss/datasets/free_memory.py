"""Memory that is available to this process."""

from pathlib import Path

SYSTEM = Path('/proc/meminfo')
# of a container's control group, version 2 and 1: limit, use, and what of it are files that the
# kernel can drop
CONTAINER = (
    ('memory.max', 'memory.current', 'memory.stat', 'inactive_file'),
    (
        'memory/memory.limit_in_bytes',
        'memory/memory.usage_in_bytes',
        'memory/memory.stat',
        'total_inactive_file',
    ),
)
GROUPS = Path('/sys/fs/cgroup')


def available_memory() -> int | None:
    """Return the bytes available without swapping, of the system or its container's limit.

    None if the system does not tell.
    """
    found = [size for size in (_of_system(), *map(_of_container, CONTAINER)) if size is not None]
    return min(found, default=None)


def _of_system() -> int | None:
    kilobytes = _entries(_read(SYSTEM)).get('MemAvailable:')
    return None if kilobytes is None else 1024 * kilobytes


def _of_container(names: tuple[str, str, str, str]) -> int | None:
    limit, used = (_read(GROUPS / name).strip() for name in names[:2])
    if not (limit.isdecimal() and used.isdecimal()):  # no such group, or 'max': no limit
        return None
    droppable = _entries(_read(GROUPS / names[2])).get(names[3], 0)
    return max(0, int(limit) - int(used) + droppable)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ''


def _entries(text: str) -> dict[str, int]:
    """Read lines of a name and a number."""
    rows = (line.split() for line in text.splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdecimal()}
