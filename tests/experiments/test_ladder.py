"""Tables of any rows, from hand-made work_dirs with known figures."""

import pytest

from reid_fusedloss.commands import start
from reid_fusedloss.experiments import find_configs, ladder
from reid_fusedloss.scope import ancestors
from tests.experiments.test_tables import write_test, write_training
from tests.tiny import REPOSITORY


@pytest.fixture
def mine(tmp_path):
    """Rows a <- b <- (between) <- c, and d without a parent among them."""
    folder = tmp_path / 'mine'
    for name, base in (
        ('a', 'reid_fusedloss::paper/table3/1_id.py'),
        ('b', './a.py'),
        ('between', './b.py'),
        ('c', './between.py'),
        ('d', '../elsewhere.py'),
    ):
        folder.mkdir(exist_ok=True)
        (folder / f'{name}.py').write_text(f"_base_ = '{base}'\n")
    (tmp_path / 'elsewhere.py').write_text('')
    return [folder / f'{name}.py' for name in 'abcd']


def cells(text):
    lines = [line for line in text.splitlines() if line.startswith('| mine/')]
    return [[cell.strip() for cell in line.strip('|').split('|')] for line in lines]


def test_gains(mine, tmp_path):
    """a 50, 52 (deviation 1.41); b 55, 57; c 50, one seed; d not run."""
    base = tmp_path / 'market1501' / 'mine'
    for seed in (0, 1):
        write_test(base / 'a' / f'seed{seed}', 70, 50 + 2 * seed, seed)
        write_test(base / 'b' / f'seed{seed}', 72, 55 + 2 * seed, seed, rerank=(80, 75))
    write_test(base / 'c' / 'seed0', 71, 50)
    text = ladder(mine, tmp_path, ['market1501'], None)
    assert cells(text) == [
        ['mine/a', '70.00 ± 0.00', '51.00 ± 1.41', '-', '-', '-', '-', '2'],
        ['mine/b', '72.00 ± 0.00', '56.00 ± 1.41', '+5.00 ± 2.00', 'mine/a']
        + ['80.00 ± 0.00', '75.00 ± 0.00', '2'],
        ['mine/c', '71.00', '50.00', '-6.00', 'mine/b', '-', '-', '1'],
        ['mine/d', 'not run', 'not run', '-', '-', '-', '-', '0'],
    ]
    assert "market1501; the configs' own budget; 12 epochs; ResNet-18" in text


def test_unfinished_rows_have_no_gain(mine, tmp_path):
    base = tmp_path / 'market1501' / 'mine'
    write_test(base / 'a' / 'seed0', 70, 50)
    write_training(base / 'b' / 'seed0', [(6, 60, 30)])
    write_test(base / 'c' / 'seed0', 71, 50)
    text = ladder(mine, tmp_path, ['market1501'], None)
    assert [row[2:4] for row in cells(text)][:3] == [
        ['50.00', '-'],
        ['30.00 (epoch 6 of 12)', '-'],
        ['50.00', '-'],
    ]


def test_two_data_sets(mine, tmp_path):
    write_test(tmp_path / 'market1501' / 'mine' / 'a' / 'seed0', 70, 50)
    write_test(tmp_path / 'msmt17' / 'mine' / 'a' / 'seed0', 30, 20)
    text = ladder(mine, tmp_path, ['market1501', 'msmt17'], None)
    assert [row[2] for row in cells(text) if row[0] == 'mine/a'] == ['50.00', '20.00']
    assert text.count('Data set') == 2 and text.count('points of mAP') == 1


def test_ancestors_by_path_and_by_scope(mine):
    names = [path.name for path in ancestors(mine[2])]
    assert names[:5] == ['c.py', 'between.py', 'b.py', 'a.py', '1_id.py']
    paper = (REPOSITORY / 'configs' / 'paper' / 'table3' / '1_id.py').resolve()
    assert paper in [path.resolve() for path in ancestors(mine[2])]


def test_another_packages_config_is_no_ancestor(tmp_path):
    (tmp_path / 'other.py').write_text("_base_ = 'mmpretrain::resnet/resnet50_8xb32_in1k.py'\n")
    assert [*ancestors(tmp_path / 'other.py')] == [tmp_path / 'other.py']


def test_ancestors_that_cannot_be_followed(tmp_path):
    (tmp_path / 'a.py').write_text("_base_ = ['./b.py', './{{$MINE:none}}.py', './none.py']\n")
    (tmp_path / 'b.py').write_text("_base_ = './a.py'\n")
    assert [path.name for path in ancestors(tmp_path / 'a.py')] == ['a.py', 'b.py']


def test_strong_rows_stand_over_the_second(tmp_path):
    configs = find_configs(['strong'])
    text = ladder(configs, tmp_path, ['market1501'], 'cpu_market_24e')
    rows = [line.split(' | ') for line in text.splitlines() if line.startswith('| strong/')]
    over = {row[0].strip('| '): row[4] for row in rows}
    assert len(rows) == 12 and over.pop('strong/01_base') == '-'
    assert over.pop('strong/02_center_weight') == 'strong/01_base'
    assert set(over.values()) == {'strong/02_center_weight'}


def test_command(mine, tmp_path, capsys):
    write_test(tmp_path / 'market1501' / 'mine' / 'a' / 'seed0', 70, 50)
    command = ['--dataset', 'market1501', '--root', str(tmp_path), '--rows', str(mine[0])]
    assert start('table', command) == 0
    (written,) = tmp_path.glob('rows_market1501.*')
    assert written.suffix == '.md' and '| mine/a | 70.00 | 50.00 |' in written.read_text()
    assert '| mine/a | 70.00 | 50.00 |' in capsys.readouterr().out


def test_rows_or_tables(mine, capsys):
    with pytest.raises(SystemExit, match='2'):
        start('table', ['--dataset', 'market1501', '--rows', str(mine[0]), '--tables', '2'])
    assert 'not allowed with' in capsys.readouterr().err


def test_rows_beside_the_field_are_the_papers_only(capsys):
    assert start('table', ['--evidence', '--rows', 'strong']) == 2
    assert '--rows' in capsys.readouterr().err
