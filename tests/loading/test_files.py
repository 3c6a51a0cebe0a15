"""Files of checkpoints that are missing, truncated or corrupt, and those that are fetched."""

import pickle

import pytest
import torch
from mmengine.runner import CheckpointLoader

from reid_fusedloss import loading
from reid_fusedloss.loading import load_checkpoint_file


def test_missing_and_truncated_files(tmp_path):
    with pytest.raises(FileNotFoundError, match='nothing.pth'):
        load_checkpoint_file(tmp_path / 'nothing.pth')
    torch.save(dict(weight=torch.zeros(1000)), tmp_path / 'whole.pth')
    whole = (tmp_path / 'whole.pth').read_bytes()
    for content in (b'', whole[:10], whole[: len(whole) // 2], pickle.dumps('text')[:-1]):
        (tmp_path / 'part.pth').write_bytes(content)
        with pytest.raises(ValueError, match='part.pth is '):
            load_checkpoint_file(tmp_path / 'part.pth')


def test_a_flipped_bit_and_a_hole_are_found(tmp_path):
    torch.save(dict(weight=torch.ones(200_000), name='x'), tmp_path / 'whole.pth')
    whole = (tmp_path / 'whole.pth').read_bytes()
    load_checkpoint_file(tmp_path / 'whole.pth')
    places = [len(whole) // 2, whole.index(b'weight'), whole.index(b'torch')]
    for mmap in (False, True):
        for place in places:
            cut = bytearray(whole)
            cut[place] ^= 4
            (tmp_path / 'bad.pth').write_bytes(cut)
            with pytest.raises(ValueError, match='bad.pth is '):
                load_checkpoint_file(tmp_path / 'bad.pth', mmap=mmap)
        for start in (0, 300, len(whole) - 200_000):
            hole = whole[:start] + bytes(200_000) + whole[start + 200_000 :]
            (tmp_path / 'bad.pth').write_bytes(hole)
            with pytest.raises(ValueError, match='bad.pth is '):
                load_checkpoint_file(tmp_path / 'bad.pth', mmap=mmap)


def test_a_file_without_checksums(tmp_path):
    options = getattr(torch.serialization, 'set_crc32_options', None)
    if options is None:
        pytest.skip('this PyTorch always writes checksums')
    options(False)
    try:
        torch.save(dict(weight=torch.ones(5)), tmp_path / 'plain.pth')
    finally:
        options(True)
    assert load_checkpoint_file(tmp_path / 'plain.pth')['weight'].sum() == 5


def test_two_addresses_of_one_name_are_two_files(tmp_path, monkeypatch):
    fetched = []

    def download(url, path, progress):
        fetched.append(url)
        torch.save(dict(url=url), path)

    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, 'download_url_to_file', download)
    for _ in range(2):
        for url in ('https://a.example/model.pth', 'https://b.example/model.pth?x=1'):
            assert CheckpointLoader.load_checkpoint(url, 'cpu') == dict(url=url)
    assert len(fetched) == 2


def test_what_others_have_fetched_is_used_if_it_is_that(tmp_path, monkeypatch):
    import hashlib

    cache = tmp_path / 'checkpoints'
    cache.mkdir()
    torch.save(dict(whose='theirs'), cache / 'a.pth')
    content = (cache / 'a.pth').read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:8]
    for name in (f'net-{digest}.pth', 'net-00000000.pth'):
        (cache / name).write_bytes(content)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path))
    monkeypatch.setattr(
        torch.hub,
        'download_url_to_file',
        lambda url, path, progress: torch.save(dict(whose='fetched'), path),
    )
    for name, whose in ((f'net-{digest}.pth', 'theirs'), ('net-00000000.pth', 'fetched')):
        assert loading.load_checkpoint_url(f'https://a.example/{name}') == dict(whose=whose)
