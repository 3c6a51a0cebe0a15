"""Which requests the page answers, and what becomes of uploads; by plain HTTP."""

import http.client
import json
import os
import signal
import socket
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from reid_fusedloss.web import guard, serve, uploads
from reid_fusedloss.web.address import check_address, is_local_name, is_loopback
from reid_fusedloss.web.uploads import VARIABLE, Uploads

ANSWERS = SimpleNamespace(
    index='three', grows=False, default_threshold=2.0, current=lambda: 'three', ask=None
)  # nobody asks
BODY = (
    b'--x\r\nContent-Disposition: form-data; name="files"; filename="%b"\r\n'
    b'Content-Type: image/png\r\n\r\n%b\r\n--x--\r\n'
)


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a page at a host whose uploads lie in a folder of the test; its address."""
    pytest.importorskip('gradio')
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    pages = []

    def run(host='127.0.0.1'):
        page, address = serve(ANSWERS, port=0, host=host, block=False)
        pages.append(page)
        return host, int(address.rstrip('/').rpartition(':')[2])

    yield run
    for page in pages:
        page.close(verbose=False)


def ask(address, method, path, headers=(), body=None):
    """Status and text of an answer."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    connection.request(method, path, body, dict(headers))
    answer = connection.getresponse()
    text = answer.read().decode(errors='replace')
    connection.close()
    return answer.status, text


def upload(address, name=b'a.png', content=b'pixels', **headers):
    own = {'Content-Type': 'multipart/form-data; boundary=x'}
    headers = {name.replace('_', '-'): value for name, value in headers.items()}
    return ask(address, 'POST', '/gradio_api/upload', own | headers, BODY % (name, content))


def files(folder):
    return [path for path in Path(folder).rglob('*') if path.is_file() and path.name[0] != '.']


def test_uploads_of_other_sites_are_refused(start, tmp_path):
    address = start()
    own = f'http://127.0.0.1:{address[1]}'
    for headers in (
        dict(Origin='https://evil.example'),
        dict(Origin='null'),
        dict(Origin=f'http://localhost:{address[1] + 1}'),
        dict(Sec_Fetch_Site='cross-site'),
        dict(Sec_Fetch_Site='same-site'),
        dict(Origin=own, Sec_Fetch_Site='cross-site'),
    ):
        status, text = upload(address, **headers)
        assert status == 403 and 'another site' in text, headers
    message = ask(address, 'POST', '/gradio_api/queue/join', dict(Origin='https://evil.example'))
    assert message[0] == 403 and not files(tmp_path)
    assert ask(address, 'GET', '/', dict(Origin='https://evil.example'))[0] == 403
    assert ask(address, 'GET', '/', {'Sec-Fetch-Site': 'cross-site'})[0] == 200, 'a link'
    for headers in (dict(Origin=own, Sec_Fetch_Site='same-origin'), {}):
        status, text = upload(address, **headers)
        assert status == 200 and Path(json.loads(text)[0]).read_bytes() == b'pixels'


@pytest.mark.slow
def test_uploads_have_a_limit_together(start, tmp_path, monkeypatch):
    address = start()
    monkeypatch.setattr(guard, 'MOST_BYTES', 10_000)
    sent = [
        threading.Thread(target=upload, args=(address, b'%d.png' % number, os.urandom(2_000)))
        for number in range(12)
    ]
    for thread in sent:
        thread.start()
    for thread in sent:
        thread.join()
    assert 0 < sum(path.stat().st_size for path in files(tmp_path)) <= 10_000
    status, text = upload(address, content=bytes(10_000))
    assert status == 507 and 'No room: the page keeps uploads of the last hour' in text
    monkeypatch.setattr(guard, 'MOST_BYTES', 2**30)
    monkeypatch.setattr(guard, 'MOST_FILES', len(files(tmp_path)) + 1)
    assert [upload(address, b'%d' % number)[0] for number in range(2)] == [200, 507]
    assert (
        ask(
            address,
            'POST',
            '/gradio_api/upload',
            {'Content-Type': 'multipart/form-data; boundary=x'},
            iter([BODY % (b'a', b'b')]),
        )[0]
        == 411
    )
    assert ask(address, 'POST', '/gradio_api/queue/join', body=bytes(2**20 + 1))[0] == 413


@pytest.mark.slow
def test_a_file_is_not_fetched_from_elsewhere(start, monkeypatch):
    address, looked_up = start(), []
    known = json.loads(ask(address, 'GET', '/config')[1])
    (number,) = (part['id'] for part in known['dependencies'] if len(part['inputs']) == 4)
    look_up = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        'getaddrinfo',
        lambda host, *arguments, **options: (
            looked_up.append(host),
            look_up(host, *arguments, **options),
        )[1],
    )
    file = dict(path='http://far.example/x.png', meta=dict(_type='gradio.FileData'))
    body = dict(data=[file, 5, False, 2.0], fn_index=number, session_hash='s')
    assert (
        ask(
            address,
            'POST',
            '/gradio_api/queue/join',
            {'Content-Type': 'application/json'},
            json.dumps(body),
        )[0]
        == 200
    )
    told = ask(address, 'GET', '/gradio_api/queue/data?session_hash=s')[1]
    assert '"success":false' in told and 'far.example' not in looked_up


@pytest.mark.slow
@pytest.mark.parametrize('host', ['127.0.0.2', 'LOCALHOST', '::1'])
def test_other_names_of_this_machine_are_guarded_too(start, host):
    try:
        address = start(host)
    except ValueError:
        pytest.skip(f'this machine has no {host}')
    own = f'[{host}]' if ':' in host else host
    for name, status in (
        (own, 200),
        ('localhost', 200),
        ('127.9.9.9', 200),
        ('[::1]', 200),
        ('evil.example', 400),
        ('127.0.0.1.evil.example', 400),
    ):
        assert ask(address, 'GET', '/config', dict(Host=f'{name}:{address[1]}'))[0] == status, name
    assert ask(address, 'GET', '/config', dict(Host=''))[0] == 400


@pytest.mark.parametrize(
    'header, local',
    [
        ('localhost', True),
        ('LocalHost:80', True),
        ('localhost.:80', True),
        ('127.0.0.1', True),
        ('127.255.1.2:7860', True),
        ('[::1]:7860', True),
        ('[::ffff:127.0.0.1]', True),
        ('', False),
        (':7860', False),
        ('10.0.0.1', False),
        ('[::2]', False),
        ('localhost.evil', False),
        ('evil-localhost', False),
        ('[evil', False),
        ('own.name:1', True),
        ('127.0.0.1@evil', False),
    ],
)
def test_names_of_this_machine(header, local):
    assert is_local_name(header, 'Own.Name') is local


@pytest.mark.parametrize(
    'host, loopback',
    [
        ('127.0.0.1', True),
        ('127.1.2.3', True),
        ('LOCALHOST', True),
        ('[::1]', True),
        ('::1', True),
        ('0.0.0.0', False),
        ('::', False),
        ('192.0.2.1', False),
    ],
)
def test_hosts_of_this_machine_alone(host, loopback):
    assert is_loopback(host) is loopback


def test_hosts_and_ports_that_cannot_be():
    for host in ('', '[]', None, 'no such host', '192.0.2.1', '999.1.1.1', '::g', 'a' * 300):
        with pytest.raises(ValueError, match='host'):
            check_address(host, 0)
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f'port {port} of 127.0.0.1 is taken'):
            check_address('127.0.0.1', port)


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_stopped_pages_remove_their_uploads(tmp_path, monkeypatch, capsys, number):
    pytest.importorskip('gradio')
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    check_address('127.0.0.1', 0)
    seen, before = [], signal.getsignal(signal.SIGTERM)

    def visit():
        said = ''
        try:
            while ' in a browser' not in said:
                said += capsys.readouterr().out
                time.sleep(0.05)
            port = int(said.split(' in a')[0].rstrip('/').rpartition(':')[2])
            seen.append((upload(('127.0.0.1', port))[0], len(files(tmp_path))))
        finally:  # without it the page would stay
            os.kill(os.getpid(), number)

    visitor = threading.Thread(target=visit)
    visitor.start()
    serve(ANSWERS, port=0)
    visitor.join()
    assert seen == [(200, 1)] and not files(tmp_path)
    assert os.environ[VARIABLE] == str(tmp_path) and signal.getsignal(signal.SIGTERM) == before


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, 'fork'), reason='needs fork')
def test_what_a_killed_page_left_is_removed_by_the_next(tmp_path, monkeypatch):
    """Its own folders alone, and none of a page that runs."""
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    (tmp_path / 'mine.png').write_text('mine')
    child = os.fork()
    if not child:
        (Uploads().folder / 'left.png').write_text('left')
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert {path.name for path in files(tmp_path)} == {'mine.png', 'left.png'}
    first = Uploads()
    (first.folder / 'a.png').write_text('a')
    assert {path.name for path in files(tmp_path)} == {'mine.png', 'a.png'}
    child = os.fork()
    if not child:  # another process, whose start leaves ours alone
        uploads._remove_abandoned(first.folder.parent)
        os._exit(0)
    os.waitpid(child, 0)
    second = Uploads()
    assert second.folder == first.folder and (first.folder / 'a.png').exists()
    first.close()
    first.close()
    assert second.usage() == (1, 1)
    second.close()
    assert {path.name for path in files(tmp_path)} == {'mine.png'}


def test_a_folder_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    elsewhere = tmp_path / 'elsewhere'
    elsewhere.mkdir()
    user = os.getuid() if hasattr(os, 'getuid') else pytest.skip('no user numbers')
    (tmp_path / f'reid_fusedloss-uploads-{user}').symlink_to(elsewhere)
    with pytest.raises(OSError, match='another user|exists'):
        Uploads()
