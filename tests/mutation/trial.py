"""A pytest plugin that tries mutants: one forked process each, the tests of its lines, fast first."""

import functools
import gc
import json
import math
import os
import random
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType
from typing import Any, NoReturn

import coverage
import pytest
from _pytest.runner import runtestprotocol

from .mutants import Mutant, Source

OUTPUT = os.fdopen(os.dup(1), 'w')  # what pytest does not capture
CACHE = type(functools.cache(len))
KILLED, SURVIVED, UNFIT = 1, 0, 2
"""Exit status of a child; of a signal: the mutant crashed or ran out of time, and is killed."""
CPU_SECONDS, WALL_SECONDS, MEMORY = 10, 300, 4 << 30
"""What a child may use on top of ten times its tests' own time; memory on top of its parent's."""


@dataclass
class Trial:
    """Try each mutant of `sources` that `out` holds no result of, and write the results there.

    Args:
        sources: the files to mutate.
        out: JSON lines, one per mutant.
        equivalent: keys of mutants that are not tried, since they change nothing.
        again: mutants whose earlier result is one of these statuses are tried again.
        per_file: try a random sample of so many mutants of each file; None: all.
        most_tests: try at most so many tests of a mutant, a random sample; None: all. Those that
            are tried again meet all their tests.
        seed: of the samples.
    """

    sources: list[Source]
    out: Path
    equivalent: set[str] = field(default_factory=set)
    again: tuple[str, ...] = ()
    per_file: int | None = None
    most_tests: int | None = None
    seed: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    unfit_tests: set[str] = field(default_factory=set)
    proven_tests: set[str] = field(default_factory=set)

    def pytest_collection_finish(self) -> None:
        """Find the loaded functions of each file, before they leave the collector's sight."""
        by_path = {str(source.path): source for source in self.sources}
        for value in gc.get_objects():
            function = getattr(value, '__wrapped__', None) if type(value) is CACHE else value
            if type(function) is FunctionType and function.__code__.co_filename in by_path:
                source = by_path[function.__code__.co_filename]
                (source.caches if function is not value else source.functions).append(value)

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run the tests under coverage, then the mutants."""
        items = {item.nodeid: item for item in session.items}
        lines = self._lines(session.items)
        results = read_results(self.out)
        for source in self.sources:
            for mutant in self._chosen(source, results):
                tests = {t for n in mutant.lines for t in lines[source.name].get(str(n), ())}
                tests = sorted(tests & items.keys())
                sampled = self.most_tests is not None and mutant.key not in results
                if sampled and self.most_tests < len(tests):
                    tests = random.Random(f'{self.seed} {mutant.key}').sample(
                        tests, self.most_tests
                    )
                tests.sort(key=self.seconds.__getitem__)
                status, killer, seconds = self._try(mutant, [items[name] for name in tests])
                text = source.text[mutant.line - 1].strip()
                row = dict(key=mutant.key, line=mutant.line, text=text, status=status)
                row |= dict(killer=killer, tests=len(tests), seconds=round(seconds, 2))
                with self.out.open('a') as file:
                    file.write(json.dumps(row) + '\n')
            say(summary(source, read_results(self.out)))
        return True

    def _chosen(self, source: Source, results: dict[str, dict[str, Any]]) -> Iterator[Mutant]:
        mutants = [mutant for mutant in source.mutants if mutant.key not in self.equivalent]
        sample = mutants
        if self.per_file is not None and self.per_file < len(mutants):
            sample = random.Random(f'{self.seed} {source.name}').sample(mutants, self.per_file)
        for mutant in mutants:
            before = results.get(mutant.key)
            wanted = mutant in sample if before is None else before['status'] in self.again
            if wanted:
                yield mutant

    def _lines(self, items: list[pytest.Item]) -> dict[str, dict[str, list[str]]]:
        """Find the tests that reach each line of each file; what is known of them is kept."""
        file = self.out.with_suffix('.tests.json')
        known = json.loads(file.read_text()) if file.exists() else {}
        texts = {source.name: '\n'.join(source.text) for source in self.sources}
        if any(known.get('texts', {}).get(name) != text for name, text in texts.items()):
            known = dict(texts=texts, seconds={}, lines={name: {} for name in texts})
        new = [item for item in items if item.nodeid not in known['seconds']]
        if new:
            known['seconds'] |= self._cover(new, known['lines'])
            file.write_text(json.dumps(known))
        self.seconds = known['seconds']
        self.unfit_tests |= {name for name, seconds in self.seconds.items() if seconds < 0}
        return known['lines']

    def _cover(
        self, items: list[pytest.Item], lines: dict[str, dict[str, list[str]]]
    ) -> dict[str, float]:
        """Run tests as they are, and add their names to the lines that they reach.

        Returns:
            Their seconds; -1 for tests that do not pass.
        """
        seconds = {}
        paths = {str(source.path): source.name for source in self.sources}
        tracer = coverage.Coverage(data_file=None, include=list(paths), config_file=False)
        tracer.start()
        for place, item in enumerate(items):
            tracer.switch_context(item.nodeid)
            begin = time.perf_counter()
            # a next item, so that what belongs to the session is kept for the children
            reports = runtestprotocol(item, log=False, nextitem=items[(place + 1) % len(items)])
            seconds[item.nodeid] = time.perf_counter() - begin
            if any(report.outcome != 'passed' for report in reports):
                if any(report.failed for report in reports):
                    say(f'fails without a mutant, left out: {item.nodeid}')
                seconds[item.nodeid] = -1.0
        tracer.stop()
        say(f'{len(items)} tests in {sum(seconds.values()):.0f} s')
        for path, name in paths.items():
            for line, tests in tracer.get_data().contexts_by_lineno(path).items():
                lines[name].setdefault(str(line), []).extend(test for test in tests if test)
        return seconds

    def _try(self, mutant: Mutant | None, items: list[pytest.Item]) -> tuple[str, str, float]:
        """Run `items` in a child until one fails: status, the test that failed, seconds."""
        begin = time.perf_counter()
        items = [item for item in items if item.nodeid not in self.unfit_tests]
        if not items:
            return 'no tests', '', 0.0
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            self._child(mutant, items, writer)
        os.close(writer)
        with open(reader) as pipe:
            killer = pipe.read()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == KILLED and mutant is not None and not self._passes_in_child(killer, items):
            return self._try(mutant, items)
        status = {KILLED: 'killed', SURVIVED: 'survived', UNFIT: 'unfit'}.get(code, 'timeout')
        return status, killer, time.perf_counter() - begin

    def _passes_in_child(self, name: str, items: list[pytest.Item]) -> bool:
        """Whether a test that killed passes in a child without a mutant; if not, leave it out."""
        if name not in self.proven_tests:
            item = next(item for item in items if item.nodeid == name)
            if self._try(None, [item])[0] != 'survived':
                say(f'fails in a child without a mutant, left out: {name}')
                self.unfit_tests.add(name)
                return False
            self.proven_tests.add(name)
        return True

    def _child(self, mutant: Mutant | None, items: list[pytest.Item], writer: int) -> NoReturn:
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        _limit(10 * sum(self.seconds[item.nodeid] for item in items))
        try:
            if mutant is not None:
                mutant.activate()
        except Exception:  # the compiler does not take it, or a closure has other cells
            os._exit(UNFIT)
        for place, item in enumerate(items):
            following = items[place + 1] if place + 1 < len(items) else item
            try:
                failed = any(r.failed for r in runtestprotocol(item, False, following))
            except BaseException:  # one that pytest lets through is noticed too
                failed = True
            if failed:
                os.write(writer, item.nodeid.encode())
                os._exit(KILLED)
        os._exit(SURVIVED)


def _limit(seconds: float) -> None:
    """Let the kernel end this process when it has used too much."""
    cpu = math.ceil(CPU_SECONDS + seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    pages = int(Path('/proc/self/statm').read_text().split()[0])
    memory = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(math.ceil(WALL_SECONDS + seconds))


def read_results(out: Path) -> dict[str, dict[str, Any]]:
    """Read the last result of each mutant."""
    if not out.exists():
        return {}
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    return {row['key']: row for row in rows}


def summary(source: Source, results: dict[str, dict[str, Any]]) -> str:
    """One line: how the mutants of a file fared."""
    found = [results[m.key]['status'] for m in source.mutants if m.key in results]
    counts = {status: found.count(status) for status in sorted(set(found))}
    return f'{source.name}: {len(source.mutants)} mutants, {counts}'


def say(text: str) -> None:
    print(f'{time.strftime("%H:%M:%S")} {text}', file=OUTPUT, flush=True)
