"""Where a gallery is: a folder, a Milvus server, Milvus Lite; and that credentials stay hidden."""

import pytest

from reid_fusedloss.search.milvus import is_milvus, parse_address


@pytest.mark.parametrize(
    'text, uri, collection, token',
    [
        ('http://host:19530', 'http://host:19530', 'gallery', ''),
        ('http://host:19530/shop/#cars_2', 'http://host:19530/shop', 'cars_2', ''),
        ('https://me:s%40cret@host', 'https://host', 'gallery', 'me:s@cret'),
        ('tcp://[::1]:19530', 'tcp://[::1]:19530', 'gallery', ''),
        ('photos.db', 'photos.db', 'gallery', ''),
        ('/a/photos.db#people', '/a/photos.db', 'people', ''),
    ],
)
def test_parts_of_an_address(text, uri, collection, token):
    address = parse_address(text, {})
    assert (address.uri, address.collection, address.token) == (uri, collection, token)
    assert address.is_lite == text.partition('#')[0].endswith('.db')
    assert 'cret' not in f'{address} {address!r}'


@pytest.mark.parametrize(
    'text, words',
    [
        ('ftp://me:secret@host', "got 'ftp://host'"),
        ('http://', 'http://HOST:PORT'),
        ('http://me:secret@host:port', "got 'http://host:port'"),
        ('http://host#two words', "not by 'two words'"),
        ('a.db#2x', "not by '2x'"),
    ],
)
def test_what_is_no_address_is_named_without_credentials(text, words):
    with pytest.raises(ValueError, match=words.replace('(', r'\(')) as error:
        parse_address(text, {})
    assert 'secret' not in str(error.value)


def test_credentials_of_the_environment():
    user = dict(MILVUS_USER='me', MILVUS_PASSWORD='secret')
    assert parse_address('http://host', user).token == 'me:secret'
    assert parse_address('http://host', user | dict(MILVUS_TOKEN='key')).token == 'key'
    assert parse_address('http://you:own@host', user).token == 'you:own'
    assert parse_address('http://host', dict(MILVUS_USER='me')).token == ''
    hidden = parse_address('http://host', user).without_token('me:secret, secret failed')
    assert hidden == '***, *** failed'


def test_folders_of_faiss_stay_folders(tmp_path):
    assert is_milvus('http://host') and is_milvus('a.db') and is_milvus(tmp_path / 'b.db')
    assert not is_milvus('photos.index') and not is_milvus(tmp_path)
    (tmp_path / 'old.db').mkdir()
    (tmp_path / 'old.db' / 'manifest.json').write_text('{}')
    assert not is_milvus(tmp_path / 'old.db')
