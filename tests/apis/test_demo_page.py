"""The page in a real browser; skipped without onnxruntime-web or chromium."""

import base64
import csv
import io
import json
import time
from dataclasses import replace

import cv2
import numpy as np
import pytest

from ocec.apis.demo_page import (
    build_payload,
    flatten,
    make_demo_page,
    render_page,
    stored_thresholds,
)
from ocec.apis.demo_page_runtime import load_programs
from ocec.apis.errors import ConfigError
from ocec.export.onnx_classifier import OnnxClassifier
from ocec.export.onnx_metadata import ModelCard, read_metadata, write_metadata
from ocec.functional.blink import BlinkRule, find_closures

onnx = pytest.importorskip('onnx', reason='the extra export is not installed')
pytest.importorskip('plotly', reason='the extra report is not installed')

MEAN, STD = (110.0, 120.0, 130.0), (60.0, 50.0, 40.0)
SIZE = (24, 40)
CARDS = {
    'resized float32': {},
    'resized uint8': {'dtype': 'uint8'},
    'normalised outside': {'normalized_inside': False},
    'fixed batch': {},
    'raw': {'input': 'raw', 'dtype': 'uint8', 'layout': 'NHWC'},
    'raw float32': {'input': 'raw', 'dtype': 'float32', 'layout': 'NHWC'},
}


def make_card(**fields):
    return ModelCard(
        **{
            'input': 'resized',
            'dtype': 'float32',
            'layout': 'NCHW',
            'image_size': SIZE,
            'normalized_inside': True,
            'mean': MEAN,
            'std': STD,
            'threshold': 0.5,
            **fields,
        }
    )


def write_model(path, card, *, rows='N', gain=0.15, seed=0):
    """Write a graph that weighs each pixel of its input: a shift or swap would show."""
    helper, kinds = onnx.helper, onnx.TensorProto
    height, width = card.image_size
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, gain, (3 * height * width, 1)).astype(np.float32)
    numbers = {
        'mean': np.float32(card.mean).reshape(3, 1, 1),
        'std': np.float32(card.std).reshape(3, 1, 1),
        'weight': weight,
        'none': np.float32([]),
        'sizes': np.int64([1, 3, height, width]),
        'flat': np.int64([-1]),
    }
    node, raw = helper.make_node, card.input == 'raw'
    nodes = [node('Cast', ['images'], ['cast'], to=kinds.FLOAT)]
    last = 'cast'
    if raw:
        nodes += [
            node('Transpose', ['cast'], ['planes'], perm=[0, 3, 1, 2]),
            node('Resize', ['planes', '', '', 'sizes'], ['small'], mode='linear'),
        ]
        last = 'small'
    if card.normalized_inside:
        nodes += [
            node('Sub', [last, 'mean'], ['centred']),
            node('Div', ['centred', 'std'], ['scaled']),
        ]
        last = 'scaled'
    nodes += [
        node('Flatten', [last], ['row']),
        node('MatMul', ['row', 'weight'], ['logit']),
        node('Sigmoid', ['logit'], ['prob']),
        node('Reshape', ['prob', 'flat'], ['prob_open']),
    ]
    kind = kinds.UINT8 if card.dtype == 'uint8' else kinds.FLOAT
    shape = [rows, 'h', 'w', 3] if raw else [rows, 3, height, width]
    graph = helper.make_graph(
        nodes,
        'eye',
        [helper.make_tensor_value_info('images', kind, shape)],
        [helper.make_tensor_value_info('prob_open', kinds.FLOAT, [rows])],
        [onnx.numpy_helper.from_array(value, key) for key, value in numbers.items()],
    )
    opset = [helper.make_opsetid('', 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    write_metadata(model, card)
    onnx.save(model, path)
    return path


def write_brightness_model(path):
    """Write a graph whose P(open) is the mean of all pixels over 255."""
    card = make_card()
    helper, kinds = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node('ReduceMean', ['images', 'axes'], ['mean'], keepdims=0),
        helper.make_node('Div', ['mean', 'most'], ['prob_open']),
    ]
    numbers = {'axes': np.int64([1, 2, 3]), 'most': np.float32(255)}
    graph = helper.make_graph(
        nodes,
        'eye',
        [helper.make_tensor_value_info('images', kinds.FLOAT, ['N', 3, *SIZE])],
        [helper.make_tensor_value_info('prob_open', kinds.FLOAT, ['N'])],
        [onnx.numpy_helper.from_array(value, key) for key, value in numbers.items()],
    )
    opset = [helper.make_opsetid('', 18)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=9)
    write_metadata(model, card)
    onnx.save(model, path)
    return path


@pytest.fixture(scope='module')
def pictures(tmp_path_factory):
    """Eye crops of many kinds; noise, so that each pixel of a resize matters."""
    folder = tmp_path_factory.mktemp('pictures')
    rng = np.random.default_rng(0)

    def noise(*shape):
        return cv2.GaussianBlur(rng.integers(0, 256, shape, np.uint8), (0, 0), 1.5)

    alpha = noise(31, 57, 4)
    alpha[:10, :, 3], alpha[10:20, :, 3] = 0, 90
    crops = {
        'same.png': noise(*SIZE, 3),
        'double.png': noise(2 * SIZE[0], 2 * SIZE[1], 3),
        'odd.png': noise(17, 29, 3),
        'narrow.png': noise(61, 7, 3),
        'large.png': noise(300, 417, 3),
        'least.png': noise(4, 4, 3),
        'alpha.png': alpha,
        'gray.png': noise(33, 51),
        'photo.jpg': noise(45, 83, 3),
        'odd.webp': noise(19, 33, 3),
        'plain.bmp': noise(21, 35, 3),
    }
    for name, crop in crops.items():
        assert cv2.imwrite(str(folder / name), crop)
    return sorted(folder.iterdir())


def read_crop(path):
    """Decode as the data sets do: transparency dropped, RGB."""
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def expected_probs(model, paths):
    classifier = OnnxClassifier(model)
    height, width = classifier.card.image_size
    probs = []
    for path in paths:
        crop = read_crop(path)
        if classifier.card.input == 'resized':
            crop = cv2.resize(crop, (width, height), interpolation=cv2.INTER_LINEAR)
            crop = crop.transpose(2, 0, 1)
        probs.append(classifier.predict(crop[None])[0])
    return np.array(probs)


@pytest.fixture(scope='module')
def programs():
    """Skip where onnxruntime-web is not installed; packed once for this file."""
    try:
        return load_programs()
    except ConfigError as error:
        pytest.skip(str(error))


@pytest.fixture
def write_page(programs, tmp_path):
    def write(model, **options):
        card = read_metadata(model)
        content = model.read_bytes()
        path = tmp_path / 'demo.html'
        page = render_page(model.name, content, card, programs, **options)
        path.write_text(page, encoding='utf-8')
        return path

    return write


@pytest.fixture
def open_demo(write_page, open_page):
    """Write the page of a model, open it and wait until the model is ready."""

    def open_it(model, **options):
        page = open_page(write_page(model, **options))
        wait_for(page, 'runner.session || state.isBad')
        assert page.inner_text('#status').startswith('Model ready')
        return page

    return open_it


def wait_for(page, condition, seconds=60):
    """Wait for a JavaScript condition; the page forbids what Playwright does for it."""
    end = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < end, f'{condition} did not become true'
        page.wait_for_timeout(20)


def drop(page, paths):
    """Choose files and wait until all of them are in the table."""
    page.set_input_files('#files', [str(path) for path in paths])
    wait_for(page, f'pictures.rows.length >= {len(paths)} && pictures.waiting === 0')
    wait_for(page, '!pictures.planned')


def probs_of(page):
    rows = page.evaluate('pictures.rows.map(row => row.prob)')
    return np.array(rows, np.float32)


def bytes_of(text):
    return np.frombuffer(base64.b64decode(text), np.uint8)


def save_csv(page, button):
    with page.expect_download() as download:
        page.click(button)
    text = download.value.path().read_text(encoding='utf-8-sig')
    return download.value.suggested_filename, list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize('kind', CARDS)
def test_probabilities_equal_onnxruntime(kind, open_demo, pictures, tmp_path):
    rows = 4 if kind == 'fixed batch' else 'N'
    model = tmp_path / 'model.onnx'
    # a crop fed as it is meets the model's own resize, which rounds nothing
    write_model(model, make_card(**CARDS[kind]), rows=rows)
    expected = expected_probs(model, pictures)
    assert expected.std() > 0.1  # or nothing would be compared
    page = open_demo(model)
    drop(page, pictures)
    np.testing.assert_allclose(probs_of(page), expected, atol=1e-3)
    shown = page.locator('#table .value').all_inner_texts()
    np.testing.assert_allclose([float(x) for x in shown], expected, atol=1.1e-3)
    assert page.inner_text('#latency-count').startswith(f'of {len(pictures)} images')


def test_pixels_and_resize_are_those_of_opencv(open_demo, pictures, tmp_path):
    page = open_demo(write_model(tmp_path / 'model.onnx', make_card()))
    drop(page, pictures)
    page.evaluate(
        """void (window.encode = bytes => btoa(Array.from(bytes, byte =>
            String.fromCharCode(byte)).join('')))"""
    )
    decode = """async i => {
        const crop = await decodePicture(pictures.rows[i].file);
        return {...crop, rgb: encode(crop.rgb)}; }"""
    for index, path in enumerate(pictures):
        crop = read_crop(path)
        found = page.evaluate(decode, index)
        pixels = bytes_of(found['rgb']).reshape(found['height'], found['width'], 3)
        np.testing.assert_array_equal(pixels, crop, err_msg=path.name)
    resize = """([text, width, height, to_width, to_height]) =>
        encode(resizeBilinear({rgb: bytesOf(text), width, height},
            to_width, to_height).rgb)"""
    rng = np.random.default_rng(1)
    for height, width in [(31, 63), (24, 40), (48, 80), (5, 7), (200, 90), (64, 128)]:
        crop = rng.integers(0, 256, (height, width, 3), np.uint8)
        for size in ((40, 24), (64, 32)):
            wanted = cv2.resize(crop, size, interpolation=cv2.INTER_LINEAR)
            text = base64.b64encode(crop.tobytes()).decode()
            found = page.evaluate(resize, [text, width, height, *size])
            np.testing.assert_array_equal(bytes_of(found), wanted.ravel())


def test_files_that_are_no_pictures_are_listed(open_demo, pictures, tmp_path):
    broken = tmp_path / 'broken.png'
    broken.write_bytes(pictures[0].read_bytes()[:60])
    text = tmp_path / 'notes.txt'
    text.write_text('no picture')
    small = tmp_path / 'small.png'
    cv2.imwrite(str(small), np.zeros((3, 9, 3), np.uint8))
    page = open_demo(write_model(tmp_path / 'model.onnx', make_card()))
    drop(page, [broken, pictures[0], text, small])
    reasons = page.locator('#table .reason').all_inner_texts()
    assert reasons == [
        'This browser cannot decode the file.',
        'This browser cannot decode the file.',
        '9×3 pixels: at least 4×4 are needed.',
    ]
    assert '3 unreadable' in page.inner_text('#summary')
    page.select_option('#show', 'bad')
    assert page.locator('#table-body tr').count() == 3
    name, rows = save_csv(page, '#export')
    assert name == 'pictures.csv'
    assert [row['name'] for row in rows] == ['broken.png', 'notes.txt', 'small.png']
    assert rows[0]['error'] == 'This browser cannot decode the file.'
    assert rows[0]['prob_open'] == rows[0]['state'] == ''


def test_threshold_changes_the_states_and_the_csv(open_demo, tmp_path):
    paths = []
    for value in (51, 102, 204):
        paths.append(tmp_path / f'{value}, "gray".png')
        cv2.imwrite(str(paths[-1]), np.full((8, 8, 3), value, np.uint8))
    page = open_demo(write_brightness_model(tmp_path / 'model.onnx'))
    drop(page, paths)
    chips = page.locator('#table .chip')
    assert chips.all_inner_texts() == ['closed', 'closed', 'open']
    page.fill('#threshold', '0.3')
    wait_for(page, '!pictures.planned')
    assert chips.all_inner_texts() == ['closed', 'open', 'open']
    assert page.input_value('#threshold-number') == '0.3'
    # 0.7 as float32 is less than 0.7, and counts as open in Python
    assert page.evaluate('setThreshold(0.7), isOpen(Math.fround(0.7))')
    page.fill('#threshold', '0.3')
    wait_for(page, '!pictures.planned')
    assert '2 × open, 1 × closed' in page.inner_text('#summary')
    _, rows = save_csv(page, '#export')
    assert [row['name'] for row in rows] == [path.name for path in paths]
    assert [row['prob_open'] for row in rows] == ['0.200000', '0.400000', '0.800000']
    assert [row['state'] for row in rows] == ['closed', 'open', 'open']
    assert {row['threshold'] for row in rows} == {'0.3'}
    assert [row['width'] for row in rows] == ['8', '8', '8']
    page.click('#presets button')
    wait_for(page, '!pictures.planned')
    assert chips.all_inner_texts() == ['closed', 'closed', 'open']
    page.click('th[data-sort=prob]')
    page.click('th[data-sort=prob]')
    wait_for(page, '!pictures.planned')
    names = page.locator('#table td.name').all_inner_texts()
    assert names == [path.name for path in paths[::-1]]
    page.click('#clear')
    assert page.locator('#pictures').is_hidden()


def test_chinese(open_demo, pictures, tmp_path):
    page = open_demo(write_model(tmp_path / 'model.onnx', make_card()))
    drop(page, pictures[:3])
    page.click('#language button[value=zh]')
    wait_for(page, '!pictures.planned')
    assert page.inner_text('h1') == '睁眼还是闭眼？'
    assert page.get_attribute('html', 'lang') == 'zh-CN'
    assert set(page.locator('#table .chip').all_inner_texts()) <= {'睁眼', '闭眼'}
    assert page.title() == '睁眼还是闭眼：model.onnx'
    # both languages say everything, with the same places to fill in
    keys = """language => Object.entries(TEXTS[language]).map(([key, value]) =>
        [key, [...value.matchAll(/\\{\\w+\\}/g)].map(String).sort()])"""
    assert page.evaluate(keys, 'zh') == page.evaluate(keys, 'en')
    page.click('#language button[value=en]')
    assert page.inner_text('h1') == 'Open or closed?'


def test_dropped_folder_and_pasted_picture(open_demo, pictures, tmp_path):
    page = open_demo(write_model(tmp_path / 'model.onnx', make_card()))
    page.evaluate(
        """async bytes => {
            const transfer = new DataTransfer();
            const content = [new Uint8Array(bytes)];
            transfer.items.add(new File(content, 'dropped.png', {type: 'image/png'}));
            dispatchEvent(new DragEvent('drop', {dataTransfer: transfer}));
            dispatchEvent(new ClipboardEvent('paste', {clipboardData: transfer})); }""",
        list(pictures[0].read_bytes()),
    )
    wait_for(page, 'pictures.rows.length === 2 && pictures.waiting === 0')
    model = tmp_path / 'model.onnx'
    expected = expected_probs(model, [pictures[0]] * 2)
    np.testing.assert_allclose(probs_of(page), expected, atol=1e-3)


def test_boxes_on_a_picture(open_demo, tmp_path):
    frame = np.zeros((100, 200, 3), np.uint8)
    frame[20:60, 40:90] = 255
    path = tmp_path / 'face.png'
    cv2.imwrite(str(path), frame)
    page = open_demo(write_brightness_model(tmp_path / 'model.onnx'))
    drop(page, [path])
    page.click('#table td.act button')
    wait_for(page, 'stage.width === 200')
    draw_box(page, (40, 20), (90, 60))
    draw_box(page, (120, 20), (150, 50))
    wait_for(page, 'boxes.all.every(box => box.prob !== undefined)')
    found = page.evaluate('boxes.all')
    assert [(b['x'], b['y'], b['width'], b['height']) for b in found] == [
        (40, 20, 50, 40),
        (120, 20, 30, 30),
    ]
    assert [b['prob'] for b in found] == pytest.approx([1, 0], abs=1e-6)
    page.click('#go')
    wait_for(page, 'pictures.rows.length === 3')
    names = page.locator('#table td.name').all_inner_texts()
    assert names[1:] == ['face.png [40, 20, 50, 40]', 'face.png [120, 20, 30, 30]']
    # the first box is moved onto black, the second is removed
    drag(page, (60, 40), (60, 80))
    wait_for(page, 'boxes.all[0].y === 60 && boxes.all[0].prob === 0')
    page.locator('#chips button').last.click()
    assert page.evaluate('boxes.all.length') == 1
    page.click('#close')
    assert page.locator('#stage').is_hidden()


def drag(page, start, end):
    """Drag from one point of the frame to another, in pixels of the frame."""
    page.locator('#frame').scroll_into_view_if_needed()
    area = page.locator('#overlay').bounding_box()
    scale = area['width'] / page.evaluate('stage.width')
    for index, (x, y) in enumerate((start, end)):
        page.mouse.move(area['x'] + x * scale, area['y'] + y * scale)
        if index == 0:
            page.mouse.down()
    page.mouse.up()


draw_box = drag

RATE = 25
# frames of the closed eye of the clip: two blinks and a long closure
CLOSED = {*range(10, 14), *range(25, 29), *range(40, 60)}
NUM_FRAMES = 75


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    """A VP8 video: the left half is bright while the eye is open, the right is gray."""
    av = pytest.importorskip('av', reason='the extra video is not installed')
    path = tmp_path_factory.mktemp('clip') / 'clip.webm'
    with av.open(str(path), 'w') as container:
        stream = container.add_stream('libvpx', rate=RATE)
        stream.width, stream.height, stream.pix_fmt = 160, 96, 'yuv420p'
        stream.bit_rate = 800_000
        for index in range(NUM_FRAMES):
            image = np.full((96, 160, 3), 128, np.uint8)
            image[:, :80] = 40 if index in CLOSED else 220
            frame = av.VideoFrame.from_ndarray(image, format='rgb24')
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_video_gives_a_curve_and_blinks(open_demo, clip, tmp_path):
    page = open_demo(write_brightness_model(tmp_path / 'model.onnx'))
    page.set_input_files('#files', str(clip))
    wait_for(page, 'stage.width === 160')
    draw_box(page, (10, 10), (70, 80))
    draw_box(page, (90, 10), (150, 80))
    page.click('#go')
    wait_for(page, '!stage.run && window.Plotly && curve.series.length')
    page.wait_for_selector('#curve .scatterlayer')
    assert page.inner_text('#run-status') == f'{NUM_FRAMES} of {NUM_FRAMES} frames'
    assert page.locator('#notice').is_hidden()
    series = page.evaluate('curve.series.map(one => one.points)')
    assert [len(points) for points in series] == [NUM_FRAMES] * 2
    times = [point['time'] for point in series[0]]
    np.testing.assert_allclose(times, np.arange(NUM_FRAMES) / RATE, atol=1e-9)
    closed = {i for i, point in enumerate(series[0]) if point['prob'] < 0.5}
    assert closed == CLOSED
    assert {round(point['prob'], 1) for point in series[1]} == {0.5}
    numbers = page.locator('.numbers').first.inner_text()
    # 2 blinks in 74 / 25 seconds; 28 of 74 steps are closed
    assert '2 blinks' in numbers
    assert '40.5 per minute' in numbers
    assert '1 long closures' in numbers
    assert '37.8 %' in numbers
    name, rows = save_csv(page, '#export-points')
    assert name == 'curve.csv'
    assert len(rows) == 2 * NUM_FRAMES
    assert [row['state'] for row in rows[9:11]] == ['open', 'closed']
    assert {(row['eye'], row['x'], row['width']) for row in rows} == {
        ('1', '10', '60'),
        ('2', '90', '60'),
    }
    name, rows = save_csv(page, '#export-blinks')
    assert name == 'blinks.csv'
    first = [row for row in rows if row['eye'] == '1']
    assert [(row['start_s'], row['end_s'], row['kind']) for row in first] == [
        ('0.4000', '0.5600', 'blink'),
        ('1.0000', '1.1600', 'blink'),
        ('1.6000', '2.4000', 'long'),
    ]


def test_video_and_camera_that_cannot_be_opened(open_demo, tmp_path):
    broken = tmp_path / 'broken.webm'
    broken.write_bytes(b'no video at all')
    page = open_demo(write_brightness_model(tmp_path / 'model.onnx'))
    page.set_input_files('#files', str(broken))
    page.wait_for_selector('#notice:visible')
    notice = 'This browser cannot play broken.webm.'
    assert page.inner_text('#notice') == notice
    assert page.locator('#stage').is_hidden()
    page.click('#open-camera')
    wait_for(page, '$("notice").textContent.startsWith("The camera was not opened: ")')
    page.evaluate('Object.defineProperty(navigator, "mediaDevices", {value: null})')
    page.click('#open-camera')
    wait_for(page, '$("notice").textContent.includes("gives this page no")')


def test_closures_are_those_of_the_video_tool(open_demo, tmp_path):
    page = open_demo(write_brightness_model(tmp_path / 'model.onnx'))
    rng = np.random.default_rng(3)
    for _ in range(20):
        steps = rng.choice([0.02, 0.04, 0.1, 0.4], 200, p=[0.4, 0.4, 0.18, 0.02])
        times = np.cumsum(steps)
        probs = np.clip(np.repeat(rng.random(50), 4) + rng.normal(0, 0.05, 200), 0, 1)
        closures, spans = find_closures(times, probs, BlinkRule.around(0.5))
        found = page.evaluate(
            """points => { const {closures, closedTime, knownTime} =
                findClosures(points.map(([time, prob]) => ({time, prob})), blinkRule());
                return {closures, closedTime, knownTime}; }""",
            list(zip(times.tolist(), probs.tolist(), strict=True)),
        )
        assert len(closures) > 2
        assert [list(c.values()) for c in found['closures']] == [
            [c.start_s, c.end_s, c.kind, c.cut] for c in closures
        ]
        known = sum(span.end_s - span.start_s for span in spans)
        shut = sum(span.end_s - span.start_s for span in spans if span.closed)
        assert found['knownTime'] == pytest.approx(known)
        assert found['closedTime'] == pytest.approx(shut)


def test_card(open_demo, tmp_path):
    evil = '</script><img src=x onerror=alert(1)>'
    card = make_card(
        threshold=0.4375,
        thresholds={'best_f1': 0.4375, 'precision': 0.9, 'split': 'val'},
        metrics={'onnxruntime': {'f1': 0.987654321}},
        data={'split': 'val', 'open': 12},
        config=evil,
        checkpoint_sha256='ab' * 32,
    )
    page = open_demo(write_model(tmp_path / 'model.onnx', card))
    text = page.inner_text('#card')
    for fact in (
        '0 closed, 1 open',
        '0.4375',
        'resized by the page as in training (bilinear), float32 RGB',
        '24 × 40 (height × width)',
        'in the model: mean 110, 120, 130, std 60, 50, 40',
        'onnxruntime.f1 0.987654',
        'split val · open 12',
        'sha256 abababababab',
        evil,
    ):
        assert fact in text
    assert page.input_value('#threshold-number') == '0.4375'
    presets = page.locator('#presets button')
    assert presets.all_inner_texts() == [
        'stored 0.438',
        'best F1 0.438',
        'precision 0.900',
    ]
    presets.last.click()
    assert page.input_value('#threshold-number') == '0.9'
    assert 'MIT License' in page.inner_text('footer')


def test_model_that_does_not_load_is_told(write_page, open_page, pictures, tmp_path):
    model = write_model(tmp_path / 'model.onnx', make_card())
    proto = onnx.load(model)
    proto.graph.node[0].op_type = 'NoSuchOperator'
    onnx.save(proto, model)
    page = open_page(write_page(model))
    page.wait_for_selector('#status.bad')
    assert page.inner_text('#status').startswith('The model cannot be loaded: ')
    page.set_input_files('#files', str(pictures[0]))
    page.wait_for_selector('#table .reason')
    assert page.inner_text('#table .reason') == 'The model was not loaded.'


def test_threshold_of_the_page(tmp_path):
    assert build_payload('a', b'', make_card(), threshold=0.25)['threshold'] == 0.25
    with pytest.raises(ConfigError, match=r'--threshold must be in \(0, 1\), got 1.5'):
        make_demo_page('a.onnx', tmp_path / 'demo.html', threshold=1.5)


def test_models_that_a_page_does_not_take(programs, tmp_path):
    model = write_model(tmp_path / 'model.onnx', make_card())
    content = model.read_bytes()
    with pytest.raises(ConfigError, match='is the model itself, and would replace it'):
        make_demo_page(model, tmp_path / '.' / 'model.onnx')
    assert model.read_bytes() == content
    for fields in ({'interpolation': 'area'}, {'pipeline': True}):
        write_model(model, make_card(**fields))
        with pytest.raises(ConfigError, match='that were not resized bilinearly, as'):
            make_demo_page(model, tmp_path / 'demo.html')
    assert not (tmp_path / 'demo.html').exists()


def test_page_of_a_file(programs, open_page, tmp_path, capsys):
    model = write_model(tmp_path / 'model.onnx', make_card())
    written = make_demo_page(model, tmp_path / 'demo.html')
    assert f' MB with model.onnx and onnxruntime-web {programs.version}' in (
        capsys.readouterr().out
    )
    page = open_page(written)
    wait_for(page, 'runner.session')
    proto = onnx.load(model)
    del proto.metadata_props[:]
    onnx.save(proto, model)
    with pytest.raises(ValueError, match='without the metadata of ocec'):
        make_demo_page(model, tmp_path / 'other.html')
    with pytest.raises(ConfigError, match='onnxruntime-web was not found in'):
        make_demo_page(model, tmp_path / 'other.html', runtime=tmp_path)
    assert not (tmp_path / 'other.html').exists()


def test_payload_is_plain_json(tmp_path):
    card = make_card(thresholds={'best_f1': 0.5, 'files': [{'file': 'a.parquet'}]})
    payload = build_payload('model.onnx', b'12345', card)
    assert json.loads(json.dumps(payload)) == payload
    assert payload['bytes'] == 5
    assert payload['threshold'] == 0.5
    assert payload['card']['image_size'] == list(SIZE)
    other = build_payload('model.onnx', b'', replace(card, threshold=0.2))
    assert other['thresholds'] == {'stored': 0.2, 'best_f1': 0.5}
    path = write_model(tmp_path / 'model.onnx', card)
    assert build_payload('model.onnx', b'12345', read_metadata(path)) == payload


def test_stored_thresholds():
    stored = {'precision': 0.9, 'best_f1': 0.4, 'false_alarm': None, 'num_images': 7}
    assert stored_thresholds(stored) == {'best_f1': 0.4, 'precision': 0.9}
    assert stored_thresholds(None) == {}


def test_flatten():
    values = {'a': {'b': 1, 'c': None}, 'd': [1, 2.5], 'e': [{'f': 'x'}], 'g': True}
    assert flatten(values) == [
        ('a.b', '1'),
        ('d', '1, 2.5'),
        ('e.0.f', 'x'),
        ('g', 'yes'),
    ]
