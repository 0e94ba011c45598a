"""Pictures and videos that claim too much, or are something else."""

import os
import struct
import zlib

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

GREY = np.full((8, 8, 3), 90, np.uint8)


def chunk(kind, content):
    crc = zlib.crc32(kind + content)
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', crc)


def png(width, height, *chunks, bits=8, pixels=b'\0' * 64):
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, 2, 0, 0, 0))
    body = chunk(b'IDAT', zlib.compress(pixels))
    start = b'\x89PNG\r\n\x1a\n'
    return start + head + b''.join(chunks) + body + chunk(b'IEND', b'')


def jpeg(height, width, scans=1, frames=1):
    frame = b'\xff\xc2\x00\x11\x08' + struct.pack('>HH', height, width)
    frame += b'\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00'
    scan = b'\xff\xda\x00\x0c\x03\x01\x00\x02\x00\x03\x00\x00\x00\x00' + b'\x7f' * 4
    return b'\xff\xd8' + frame * frames + scan * scans + b'\xff\xd9'


def bmp(width, height):
    head = struct.pack('<IiiHHIIIIII', 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b'BM' + struct.pack('<III', 54, 0, 54) + head + bytes(64)


def gif(width, height, blocks=b''):
    head = b'GIF89a' + struct.pack('<HHBBB', width, height, 0x80, 0, 0) + bytes(6)
    frame = b',' + struct.pack('<HHHHB', 0, 0, width, height, 0) + b'\x02'
    return head + frame + blocks + b'\x02\x4c\x01\x00;'


def tiff(*tags, at=8):
    """Tags are (number, kind, count, value)."""
    listed = b''.join(struct.pack('<HHII', *tag) for tag in tags)
    head = b'II*\0' + struct.pack('<I', at)
    return head + struct.pack('<H', len(tags)) + listed + bytes(64)


def webp(width, height):
    form = b'VP8X' + struct.pack('<I', 10) + bytes(4)
    form += (width - 1).to_bytes(3, 'little') + (height - 1).to_bytes(3, 'little')
    form += b'VP8L' + struct.pack('<I', 5) + b'\x2f' + struct.pack('<I', 2**28 - 1)
    return b'RIFF' + struct.pack('<I', len(form) + 4) + b'WEBP' + form


def profile(size):
    return chunk(b'iCCP', b'icc\0\0' + zlib.compress(bytes(size), 9))


PICTURES = {
    'PNG of 10**9 pixels': png(50_000, 20_000),
    'PNG of 2**62 pixels': png(2**31 - 1, 2**31 - 1),
    'PNG of no pixels': png(0, 0),
    'PNG whose pixels are a bomb': png(4096, 4097, pixels=bytes(10**7)),
    'PNG with a profile of 50 MB': png(8, 8, profile(5 * 10**7), pixels=b''),
    'PNG with a text of 50 MB': png(
        8, 8, chunk(b'zTXt', b'a\0\0' + zlib.compress(bytes(5 * 10**7))), pixels=b''
    ),
    'PNG with a chunk of 4 GB': b'\x89PNG\r\n\x1a\n\xff\xff\xff\xffIHDR' + bytes(64),
    'PNG that is animated': png(8, 8, chunk(b'acTL', bytes(8))),
    'PNG of 16 bits that is too large': png(8192, 8192, bits=16),
    'JPEG of 65,500 x 65,500': jpeg(65_500, 65_500),
    'JPEG of 5,000 scans': jpeg(4096, 4096, scans=5000),
    'JPEG whose second frame is larger': jpeg(8, 8)[:21] + jpeg(65_500, 65_500)[2:],
    'JPEG of padding only': b'\xff\xd8' + b'\xff' * 10**6,
    'GIF of 65,535 x 65,535': gif(65_535, 65_535),
    'GIF of a million blocks': gif(8, 8, blocks=b'\x01\x00' * 10**5),
    'GIF without an end': gif(8, 8)[:-1] + b'!\xf9' * 1000,
    'BMP of 2**62 pixels': bmp(2**31 - 1, 2**31 - 1),
    'BMP of less than nothing': bmp(-(2**31), -(2**31)),
    'BMP of 30,000 x 30,000': bmp(30_000, -30_000),
    'TIFF of 10**10 pixels': tiff((256, 4, 1, 10**5), (257, 4, 1, 10**5)),
    'TIFF whose tile is larger': tiff(
        (256, 4, 1, 8), (257, 4, 1, 8), (322, 4, 1, 2**31), (323, 4, 1, 2**31)
    ),
    'TIFF of a second width': tiff(
        (256, 4, 1, 8), (256, 4, 1, 2**30), (257, 4, 1, 2**30)
    ),
    'TIFF whose tags are elsewhere': tiff((256, 4, 2**31, 2**31), at=2**31),
    'TIFF of 65,535 channels': tiff(
        (256, 4, 1, 4000), (257, 4, 1, 4000), (277, 3, 1, 65_535), (258, 3, 1, 64)
    ),
    'WebP of 2**28 pixels': webp(16_384, 16_384),
    'WebP within a WebP': webp(8, 8),
    'SVG': b'<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>',
    'EXR': b'\x76\x2f\x31\x01' + bytes(64),
    'HDR': b'#?RADIANCE\n\n-Y 100000 +X 100000\n',
    'PFM': b'PF\n100000 100000\n-1.0\n' + bytes(64),
    'PNM': b'P6 100000 100000 255\n' + bytes(64),
    'JPEG 2000': b'\0\0\0\x0cjP  \r\n\x87\n' + bytes(64),
    'Sun raster': b'\x59\xa6\x6a\x95' + struct.pack('>IIIIIII', 9**9, 9, 8, 0, 1, 0, 0),
    'nothing': b'',
}


@pytest.mark.parametrize('name', PICTURES)
def test_a_picture_of_its_own(assert_refused, tmp_path, name):
    path = tmp_path / 'eye.png'
    path.write_bytes(PICTURES[name])
    assert_refused('picture', path)


@pytest.mark.parametrize('reader', ['parquet', 'infer_parquet'])
def test_all_of_them_in_a_parquet(assert_refused, tmp_path, reader):
    # each in a file, the first bad row would hide the others
    for name, content in PICTURES.items():
        path = tmp_path / f'{name.replace(" ", "_").replace("/", "_")}.parquet'
        pq.write_table(pa.table({'label': ['open'], 'image_bytes': [content]}), path)
        assert 'row 0' in assert_refused(reader, path)


def test_all_of_them_in_a_folder(read, tmp_path):
    (tmp_path / 'data' / 'open').mkdir(parents=True)
    for number, content in enumerate(PICTURES.values()):
        (tmp_path / 'data' / 'open' / f'{number}.png').write_bytes(content)
    answer = read('list_folder', tmp_path / 'data' / 'marker')
    assert answer['error'] is None


def test_a_pipe_is_not_waited_for(assert_refused, read, tmp_path):
    (tmp_path / 'open').mkdir()
    os.mkfifo(tmp_path / 'open' / 'eye.png')
    assert 'no regular file' in read('list_folder', tmp_path / 'marker')['value']
    path = tmp_path / 'eyes.parquet'
    pq.write_table(pa.table({'label': ['open'], 'image_path': ['open/eye.png']}), path)
    assert 'no regular file' in assert_refused('parquet', path)
    for reader in ('video_av', 'video_cv'):
        path = tmp_path / f'{reader}.mp4'
        os.mkfifo(path)
        assert_refused(reader, path)


SECRETS = {
    'two dots': '../secret.png',
    'an absolute path': '{outside}/secret.png',
    'a link': 'link.png',
    'a linked folder': 'folder/secret.png',
    'backslashes': '..\\secret.png',
    'a hidden way': 'a/../../secret.png',
    'a device': '/dev/zero',
    'the memory': '/proc/self/mem',
    'an address': 'http://127.0.0.1:9/eye.png',
    'an address of a file': 'file://{outside}/secret.png',
    'a home': '~/.ssh/id_rsa',
    'a null byte': 'eye.png\0.txt',
    'a long name': 'x' * 5000,
    'links in a circle': 'circle.png',
    'a folder': '.',
}


@pytest.fixture
def fenced(tmp_path):
    """A folder of data beside a picture that it must not reach."""
    cv2.imwrite(str(tmp_path / 'secret.png'), GREY)
    data = tmp_path / 'data'
    data.mkdir()
    (data / 'link.png').symlink_to(tmp_path / 'secret.png')
    (data / 'folder').symlink_to(tmp_path)
    (data / 'circle.png').symlink_to(data / 'circle.png')
    return data


@pytest.mark.parametrize('name', SECRETS)
def test_pictures_outside_are_not_read(assert_refused, read, fenced, name):
    given = SECRETS[name].format(outside=fenced.parent)
    path = fenced / 'eyes.parquet'
    pq.write_table(pa.table({'label': ['open'], 'image_path': [given]}), path)
    assert_refused('parquet', path, named='data')
    assert_refused('infer_parquet', path)
    told = read('list_parquet', path)
    assert 'PNG' not in str(told['value'])
    table = fenced / 'eyes.csv'
    table.write_text(f'"{given}",open,a\n')
    assert 'PNG' not in str(read('list_csv', table)['value'])


def avi(folder, width, height):
    """A video whose frames claim another size."""
    path = folder / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 10, (32, 16))
    for _ in range(3):
        writer.write(np.zeros((16, 32, 3), np.uint8))
    writer.release()
    content = path.read_bytes()
    frame = b'\xff\xc0\x00\x11\x08'
    old, new = (frame + struct.pack('>HH', *hw) for hw in ((16, 32), (height, width)))
    assert content.count(old) == 3
    path.write_bytes(content.replace(old, new))
    return path


VIDEOS = {
    'HLS of a file': b'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n%s\n'
    b'#EXT-X-ENDLIST\n',
    'HLS of an address': b'#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n'
    b'http://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n',
    'HLS of a list': b'#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:1,\nconcat:%s|%s\n',
    'ffconcat': b'ffconcat version 1.0\nfile %s\n',
    'SDP': b'v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n',
    'DASH': b'<?xml version="1.0"?>'
    b'<MPD profiles="urn:mpeg:dash:profile:isoff-main:2011">'
    b'<BaseURL>%s</BaseURL></MPD>',
    'a picture': cv2.imencode('.png', GREY)[1].tobytes(),
    'subtitles': b'WEBVTT\n\n00:00.000 --> 00:01.000\n<b>a\n',
    'nothing': b'',
    'an AVI of zeros': b'RIFF\xff\xff\xff\xffAVI LIST' + bytes(10**5),
    'an MP4 of 16 EB': b'\0\0\0\x01ftyp' + b'\xff' * 64,
    'an MP4 of boxes in boxes': b'\0\0\0\x18ftypisom' + b'\0\xff\xff\xffmoov' * 10**4,
    'a Matroska of 2**56 bytes': b'\x1a\x45\xdf\xa3\x01' + b'\xff' * 64,
    'a GIF of 65,535 x 65,535': gif(65_535, 65_535),
    'a YUV of 10**10 pixels': b'YUV4MPEG2 W100000 H100000 F25:1 Ip A0:0 C420\nFRAME\n',
}


@pytest.mark.parametrize('reader', ['video_av', 'video_cv', 'infer_video'])
@pytest.mark.parametrize('name', VIDEOS)
def test_videos(assert_refused, read, tmp_path, name, reader):
    secret = avi(tmp_path, 32, 16)
    (tmp_path / 'data').mkdir()
    path = tmp_path / 'data' / 'clip.mp4'
    path.write_bytes(VIDEOS[name].replace(b'%s', str(secret).encode()))
    if reader == 'infer_video':
        # a video without a frame is told when the report is made
        assert read(reader, path)['value'] in (None, '[]')
    else:
        assert_refused(reader, path)


@pytest.mark.parametrize('reader', ['video_av', 'video_cv', 'infer_video'])
def test_frames_that_claim_too_many_pixels(assert_refused, read, tmp_path, reader):
    # below what FFmpeg itself refuses, above what a frame of 8K has
    path = avi(tmp_path, 30_000, 20_000)
    if reader == 'infer_video':
        # told as damage at the end of the report, if it can be opened at all
        assert read(reader, path)['value'] in (None, '[]')
    else:
        assert_refused(reader, path)


@pytest.mark.parametrize('reader', ['video_av', 'video_cv'])
def test_frames_in_a_folder(assert_refused, tmp_path, reader):
    for number, name in enumerate(PICTURES):
        folder = tmp_path / f'clip{number}'
        folder.mkdir()
        (folder / 'img_00001.png').write_bytes(PICTURES[name])
        assert_refused(reader, folder)
