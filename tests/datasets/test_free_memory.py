"""How much memory is available, from the files in which the system tells."""

import pytest

from reid_fusedloss.datasets import free_memory

TWO = {'memory.max': '5000\n', 'memory.current': '4200\n', 'memory.stat': 'inactive_file 300\n'}
ONE = {
    'memory/memory.limit_in_bytes': '6000',
    'memory/memory.usage_in_bytes': '1000',
    'memory/memory.stat': 'cache 5\ntotal_inactive_file 20',
}


@pytest.mark.parametrize(
    'system, container, expected',
    [
        (None, {}, None),
        ('MemTotal:  9 kB\nMemAvailable:    7 kB\n', {}, 7 * 1024),
        ('MemTotal:  9 kB\n', {}, None),
        ('MemAvailable:    7 kB\n', TWO, 1100),
        ('MemAvailable:    1 kB\n', TWO, 1024),
        ('MemAvailable:    7 kB\n', TWO | {'memory.max': 'max\n'}, 7 * 1024),
        ('MemAvailable:    7 kB\n', TWO | {'memory.max': '100\n'}, 0),
        ('MemAvailable:    7 kB\n', ONE, 5020),
        (None, ONE, 5020),
    ],
)
def test_the_least_of_system_and_container_counts(
    system, container, expected, tmp_path, monkeypatch
):
    monkeypatch.setattr(free_memory, 'SYSTEM', tmp_path / 'meminfo')
    monkeypatch.setattr(free_memory, 'GROUPS', tmp_path)
    if system is not None:
        (tmp_path / 'meminfo').write_text(system)
    (tmp_path / 'memory').mkdir()
    for name, text in container.items():
        (tmp_path / name).write_text(text)
    assert free_memory.available_memory() == expected
