"""The page in a browser: what a user does and sees, and what the browser asks for."""

import http.client
import shutil
import socket
from pathlib import Path
from urllib.parse import urlparse

import pytest

from reid_fusedloss.search import load_index, save_index
from reid_fusedloss.web import Answers, guard, serve

pytestmark = pytest.mark.slow

CHROMIUM = next(
    filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None
)
OPTIONS = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
]
WAIT = 30_000  # milliseconds


@pytest.fixture(scope='module')
def served(answers):
    """(answers, address of the page that shows them, hosts that were looked up meanwhile)."""
    pytest.importorskip('gradio')
    hosts, look_up = [], socket.getaddrinfo

    def note(host, *arguments, **options):
        hosts.append(host)
        return look_up(host, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, 'getaddrinfo', note)
        page, address = serve(answers, port=0, block=False)
        yield answers, address, hosts
        page.close()


@pytest.fixture(scope='module')
def browser():
    playwright = pytest.importorskip('playwright.sync_api')
    if CHROMIUM is None:
        pytest.skip('no chromium is installed')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope='module')
def opened(browser, served):
    """(page, addresses of all requests)."""
    page = browser.new_page(viewport=dict(width=390, height=844))
    page.set_default_timeout(WAIT)
    requests = []
    page.on('request', lambda request: requests.append(request.url))
    page.goto(served[1])
    page.wait_for_selector('#reid-answers [role=alert]')
    return page, requests


def upload(page, path):
    remove = page.query_selector('#reid-file button[aria-label="Clear"]')
    if remove:
        remove.click()
    page.wait_for_selector('#reid-file input[type=file]', state='attached')
    page.set_input_files('#reid-file input[type=file]', str(path))


def shown(page, first):
    """Names of the answers, once the first is there."""
    page.wait_for_selector(f'.reid-hits li:first-child figure[data-name="{first}"]')
    return [
        figure.get_attribute('data-name') for figure in page.query_selector_all('.reid-hits figure')
    ]


def names(answer):
    return [Path(hit.entry.name).name for hit in answer.hits]


def test_page_in_a_browser(opened, served, folder):
    (page, requests), answers = opened, served[0]
    own = Path(answers.index.entries[3].name)
    upload(page, own)
    found = shown(page, own.name)
    assert found == names(answers.ask(str(own), 10))
    assert page.inner_text('.reid-hits li:first-child .reid-distance') == '0.000'
    assert len(page.query_selector_all('.reid-query img[alt]')) == 2

    query = max((folder / 'data' / 'query').iterdir())
    expected = answers.ask(str(query), 10)
    upload(page, query)
    assert shown(page, names(expected)[0]) == names(expected)
    page.fill('#reid-k input[type=number]', '3')
    page.press('#reid-k input[type=number]', 'Enter')
    page.wait_for_selector('.reid-hits li:nth-child(4)', state='detached')
    assert shown(page, names(expected)[0]) == names(expected)[:3]
    page.check('#reid-rerank input')
    page.wait_for_selector('.reid-hits span:has-text("re-ranked")')
    reranked = names(answers.ask(str(query), 3, rerank=True))
    assert shown(page, reranked[0]) == reranked
    page.fill('#reid-threshold input[type=number]', '0')
    page.press('#reid-threshold input[type=number]', 'Enter')
    assert 'No match' in page.inner_text('.reid-unknown')

    upload(page, folder / 'broken.jpg')
    alert = page.wait_for_selector('#reid-answers [role=alert]:has-text("broken.jpg")')
    assert 'is not an image that can be read' in alert.inner_text()
    assert 'Traceback' not in page.content() and page.query_selector('.reid-hits') is None

    width = page.evaluate('document.documentElement.scrollWidth')
    assert width <= 390, 'the page is wider than a phone'
    hosts = {urlparse(url).hostname for url in requests if not url.startswith(('data:', 'blob:'))}
    assert hosts == {'127.0.0.1'}
    assert '127.0.0.1' in served[2] and not set(served[2]) - {'127.0.0.1', 'localhost', None}


def test_an_upload_without_room_is_answered(opened, folder, monkeypatch):
    """A large one too, which is not cut off before the browser has the answer."""
    page, _ = opened
    monkeypatch.setattr(guard, 'MOST_FILES', 0)
    large = folder / 'large.jpg'
    large.write_bytes(bytes(2**25))
    upload(page, large)
    page.wait_for_selector('text=the page keeps uploads of the last hour')
    page.reload()
    page.wait_for_selector('#reid-answers [role=alert]')


def test_a_page_shows_the_gallery_of_now(browser, served, folder, tmp_path):
    """A new entry is among the answers without a new start; a new page has the new threshold."""
    place, query = tmp_path / 'index', str(min((folder / 'data' / 'query').iterdir()))
    save_index(served[0].index.rebuilt('flat'), place)
    answers = Answers(served[0].inferencer, load_index(place), place)
    own, address = serve(answers, port=0, block=False)
    try:
        page = browser.new_page()
        page.set_default_timeout(WAIT)
        page.goto(address)
        page.wait_for_selector('#reid-answers [role=alert]')
        upload(page, query)
        assert shown(page, names(answers.ask(query, 1))[0])
        writer = load_index(place)
        writer.add(answers.inferencer([query]).features, ['new.jpg'])
        writer.threshold = 0.25
        save_index(writer, place)
        page.fill('#reid-k input[type=number]', '3')
        page.press('#reid-k input[type=number]', 'Enter')
        assert shown(page, 'new.jpg')[0] == 'new.jpg'
        page.goto(address)
        page.wait_for_selector(f'text=the {len(writer)} images')
        page.wait_for_function(
            'document.querySelector("#reid-threshold input[type=number]").value == "0.25"'
        )
        page.close()
    finally:
        own.close(verbose=False)


def test_keyboard_reaches_everything(opened):
    page, _ = opened
    page.evaluate('document.activeElement.blur()')
    reached = set()
    for _ in range(20):
        page.keyboard.press('Tab')
        reached.add(page.evaluate('document.activeElement.closest("[id^=reid-]")?.id'))
    assert {'reid-file', 'reid-k', 'reid-rerank', 'reid-threshold'} <= reached


def test_no_file_is_served_by_its_path(served, browser):
    context = browser.new_context()
    for path in (served[0].index.entries[0].name, '/etc/hostname', __file__):
        answer = context.request.get(f'{served[1]}gradio_api/file={path}')
        assert answer.status in (403, 404), path
    context.close()


@pytest.mark.parametrize(
    'name, status',
    [
        ('127.0.0.1', 200),
        ('localhost', 200),
        ('LOCALHOST', 200),
        ('evil.example', 400),
        ('localhost.evil.example', 400),
        ('', 400),
    ],
)
def test_the_page_answers_to_its_own_name_alone(served, name, status):
    """A site may let its own name lead to 127.0.0.1, and read the page as its own (rebinding)."""
    port = urlparse(served[1]).port
    for path in ('/', '/config', '/gradio_api/info'):
        connection = http.client.HTTPConnection('127.0.0.1', port, timeout=30)
        connection.request('GET', path, headers=dict(Host=name and f'{name}:{port}'))
        assert connection.getresponse().status == status, path
        connection.close()


def test_a_port_that_is_taken(served):
    port = urlparse(served[1]).port
    with pytest.raises(OSError, match=str(port)):
        serve(served[0], port=port, block=False)
    with pytest.raises(ValueError, match='port=70000'):
        serve(served[0], port=70000, block=False)
