"""The paper beside the field: the page is what the command writes, and verdicts follow the rule."""

import pytest
import yaml

from reid_fusedloss.commands import start
from reid_fusedloss.experiments import evidence_page, read_paper
from reid_fusedloss.experiments.evidence import verdict
from tests.tiny import REPOSITORY

PAPER = REPOSITORY / 'configs' / 'paper'
ROWS = read_paper([REPOSITORY / 'configs' / name / 'metafile.yml' for name in ('peers', 'paper')])


def test_page_is_what_the_command_writes(capsys):
    page = (REPOSITORY / 'docs' / 'paper.md').read_text().split('<!-- evidence -->\n')[1]
    assert start('table', ['--evidence']) == 0
    assert capsys.readouterr().out.strip() == page.strip()


@pytest.mark.parametrize(
    ('before', 'after', 'paper', 'expected'),
    [
        (dict(mAP=50, deviation=1), dict(mAP=52, deviation=1), 1.0, 'confirmed'),  # 2 > 1.41
        (dict(mAP=50, deviation=1), dict(mAP=48, deviation=1), 1.0, 'contradicted'),
        (dict(mAP=50, deviation=1), dict(mAP=48, deviation=1), -1.0, 'confirmed'),
        (dict(mAP=50, deviation=3), dict(mAP=54, deviation=4), 1.0, 'open'),  # 4 < 5
        (dict(mAP=50), dict(mAP=60, deviation=1), 1.0, 'open'),  # one seed
        (None, dict(mAP=60, deviation=1), 1.0, 'open'),
    ],
)
def test_verdict(before, after, paper, expected):
    assert verdict(before, after, paper) == expected


def test_gains_of_one_row():
    """+LS: 72.6 - 72.3; 80.3 - 79.3, over the last row of the same source; 52.55 - 48.25."""
    page = evidence_page(ROWS, PAPER / 'evidence.yml')
    (line,) = [line for line in page.splitlines() if line.startswith('| +LS ')]
    cells = [cell.strip() for cell in line.strip('|').split('|')]
    assert cells[1:3] == ['87.5 / 72.6', '+0.3'] and cells[3:5] == ['91.4 / 80.3 (bot)', '+1.0']
    assert cells[5:] == ['67.19 / 52.55 ± 1.69', '+4.3', 'confirmed']


def test_other_methods_are_no_steps():
    page = evidence_page(ROWS, PAPER / 'evidence.yml')
    lines = [line for line in page.splitlines() if line.startswith('| PCB ')]
    assert lines and all(line.count(' - ') == 5 and 'open' not in line for line in lines)


def test_unknown_row(tmp_path):
    evidence = yaml.safe_load((PAPER / 'evidence.yml').read_text())
    evidence['Elsewhere']['table2/7_none'] = evidence['Elsewhere']['table2/6_bn']
    (tmp_path / 'mine.yml').write_text(yaml.safe_dump(evidence))
    with pytest.raises(ValueError, match="in no table: .'table2/7_none'"):
        evidence_page(ROWS, tmp_path / 'mine.yml')
