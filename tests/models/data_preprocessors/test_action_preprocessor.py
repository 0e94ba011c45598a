import cv2
import numpy as np
import pytest
import torch

from ocec.functional.heatmap import skeleton_heatmaps
from ocec.functional.skeleton_layouts import skeleton_layout
from ocec.models import ActionRecognizer
from ocec.models.data_preprocessors import ActionPreprocessor
from ocec.registry import MODELS
from ocec.structures import ActionTargets

MEAN = np.array([123.675, 116.28, 103.53], np.float32)
STD = np.array([58.395, 57.12, 57.375], np.float32)
COCO = skeleton_layout('coco17')
SETTINGS = {'heatmap_size': (16, 16), 'flip_prob': 0.0}


def make_batch(N=3, S=1, P=2, *, T=6, K=17, size=(32, 32), seed=0):
    """Videos of 100 x 80 pixels (width x height), frames of a box in them."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.arange(N)
    box = torch.tensor([[20.0, 10.0, 84.0, 74.0]]) + ids[:, None]
    place = torch.rand(N, S, P, T, K, 2, generator=generator)
    frames = torch.randint(0, 256, (N, S, T // 3, *size, 3), generator=generator)
    return {
        'inputs': {
            'frames': frames.byte(),
            # beyond the box, too
            'keypoint': place * torch.tensor([100.0, 80.0]),
            'score': torch.rand(N, S, P, T, K, generator=generator),
            'box': box,
            'frame_hw': torch.tensor([[80, 100]]).expand(N, -1),
        },
        'data_samples': ActionTargets(ids % 2, ids + 40, ids),
    }


def expected_maps(inputs, box, size, *, clip=0, sigma=0.6):
    """Heatmaps of one clip of each video, coordinates one video at a time."""
    points = inputs['keypoint'][:, clip].clone()
    for n, (x1, y1, x2, y2) in enumerate(box.tolist()):
        points[n, ..., 0] = (points[n, ..., 0] - x1) * (size[1] / (x2 - x1))
        points[n, ..., 1] = (points[n, ..., 1] - y1) * (size[0] / (y2 - y1))
    return skeleton_heatmaps(points, inputs['score'][:, clip], size, sigma=sigma)


def normalised(frames):
    """Frames (..., H, W, 3) to (..., 3, H, W) moved before T."""
    x = (np.asarray(frames, np.float32) - MEAN) / STD
    return torch.from_numpy(np.moveaxis(x, -1, -4))


def test_both_streams_outside_of_training():
    batch = make_batch()
    preprocessor = ActionPreprocessor(**SETTINGS, random_crop={}, color_jitter={})
    out = preprocessor(batch)
    inputs = batch['inputs']
    assert set(out['inputs']) == {'rgb', 'heatmap'}
    expected = normalised(inputs['frames'][:, 0])
    torch.testing.assert_close(out['inputs']['rgb'], expected, rtol=1e-5, atol=1e-5)
    maps = expected_maps(inputs, inputs['box'], (16, 16))
    torch.testing.assert_close(out['inputs']['heatmap'], maps, rtol=0, atol=1e-4)
    assert out['inputs']['rgb'].shape == (3, 3, 2, 32, 32)
    assert out['inputs']['heatmap'].shape == (3, 17, 6, 16, 16)
    assert maps.amax() > 0.5
    assert torch.equal(out['data_samples'].label_B, batch['data_samples'].label_B)
    for x in out['inputs'].values():
        assert x.permute(0, 2, 3, 4, 1).is_contiguous()


def test_frames_and_heatmaps_get_one_crop_and_one_mirror():
    batch = make_batch(N=6)
    crop = {'area_range': (0.3, 0.7)}
    preprocessor = ActionPreprocessor(
        frame_size=(24, 24), heatmap_size=(16, 16), random_crop=crop
    )
    torch.manual_seed(4)
    out = preprocessor(batch, training=True)['inputs']
    torch.manual_seed(4)
    geometry = preprocessor.geometry.draw(6, (32, 32))
    assert 0 < geometry.is_flipped_G.sum() < 6
    inputs = batch['inputs']
    crops, boxes = geometry.crop_G4.tolist(), []
    for n, (left, top, width, height) in enumerate(crops):
        # the frames are 32 x 32 pixels of a box of 64 x 64
        x, y = inputs['box'][n, 0] + 2 * left, inputs['box'][n, 1] + 2 * top
        boxes.append([x, y, x + 2 * width, y + 2 * height])
        for t in range(2):
            frame = inputs['frames'][n, 0, t].numpy().astype(np.float32)
            part = frame[top : top + height, left : left + width]
            if geometry.is_flipped_G[n]:
                part = part[:, ::-1]
            part = cv2.resize(np.ascontiguousarray(part), (24, 24))
            expected = torch.from_numpy((part - MEAN) / STD).permute(2, 0, 1)
            torch.testing.assert_close(out['rgb'][n, :, t], expected, rtol=0, atol=1e-3)
    keypoint = inputs['keypoint'].clone()
    score = inputs['score'].clone()
    for n, is_flipped in enumerate(geometry.is_flipped_G.tolist()):
        if is_flipped:
            # 15 - x in the map, which is 15/16 of the box wide
            x1, _, x2, _ = boxes[n]
            mirrored = x1 + (x2 - x1) * 15 / 16 - (keypoint[n, ..., 0] - x1)
            keypoint[n, ..., 0] = mirrored
            for left, right in COCO.flip_pairs:
                swap = [right, left]
                keypoint[n, ..., [left, right], :] = keypoint[n, ..., swap, :]
                score[n, ..., [left, right]] = score[n, ..., swap]
    inputs = {'keypoint': keypoint, 'score': score}
    maps = expected_maps(inputs, torch.tensor(boxes), (16, 16))
    # a few pixels at the border of a window are in or out by rounding
    assert ((out['heatmap'] - maps).abs() > 1e-3).float().mean() < 1e-4
    assert out['heatmap'].amax() > 0.5


def test_a_point_of_the_frame_and_its_joint_stay_together():
    """A bright spot and a joint at one place: crop, mirror and resize move both."""
    N, side = 12, 64
    batch = make_batch(N=N, P=1, T=3, size=(side, side))
    generator = torch.Generator().manual_seed(2)
    place = torch.randint(24, 40, (N, 2), generator=generator)
    frames = torch.zeros(N, 1, 1, side, side, 3, dtype=torch.uint8)
    keypoint = torch.zeros(N, 1, 1, 3, 17, 2)
    for n, (x, y) in enumerate(place.tolist()):
        frames[n, 0, 0, y - 1 : y + 2, x - 1 : x + 2] = 255
        keypoint[n, ..., :, :] = torch.tensor([x, y]) + batch['inputs']['box'][n, :2]
    batch['inputs'].update(frames=frames, keypoint=keypoint)
    batch['inputs']['score'].fill_(1)
    preprocessor = ActionPreprocessor(
        heatmap_size=(side, side), sigma=1.0, random_crop={'area_range': (0.6, 0.9)}
    )
    torch.manual_seed(0)
    out = preprocessor(batch, training=True)['inputs']
    for picture, heatmap in zip(
        out['rgb'][:, 0, 0], out['heatmap'][:, 0, 0], strict=True
    ):
        level = picture - picture.min()
        grid = torch.arange(float(side))
        spots = [(level.sum(1 - axis) * grid).sum() / level.sum() for axis in (0, 1)]
        peak = divmod(int(heatmap.argmax()), side)
        # half a pixel of the heatmaps' scaling, half of rounding, and the resize
        assert abs(spots[0] - peak[0]) < 1.6
        assert abs(spots[1] - peak[1]) < 1.6


def test_several_clips_are_a_dimension_of_their_own():
    batch = make_batch(S=4)
    out = ActionPreprocessor(**SETTINGS)(batch)['inputs']
    assert out['rgb'].shape == (3, 4, 3, 2, 32, 32)
    assert out['heatmap'].shape == (3, 4, 17, 6, 16, 16)
    inputs = batch['inputs']
    for clip in range(4):
        maps = expected_maps(inputs, inputs['box'], (16, 16), clip=clip)
        torch.testing.assert_close(out['heatmap'][:, clip], maps, rtol=0, atol=1e-4)
        expected = normalised(inputs['frames'][:, clip])
        torch.testing.assert_close(out['rgb'][:, clip], expected, rtol=1e-5, atol=1e-5)


def test_mirror_images_at_test_time():
    batch = make_batch(S=2)
    plain = ActionPreprocessor(**SETTINGS, with_limb=True)(batch)['inputs']
    both = ActionPreprocessor(**SETTINGS, with_limb=True, flip_test=True)(batch)[
        'inputs'
    ]
    assert both['rgb'].shape == (3, 4, 3, 2, 32, 32)
    order = [*COCO.flip_order, *(17 + limb for limb in COCO.limb_flip_order)]
    for clip in range(2):
        for name, x in both.items():
            assert torch.equal(x[:, 2 * clip], plain[name][:, clip])
        mirrored = plain['rgb'][:, clip].flip(-1)
        assert torch.equal(both['rgb'][:, 2 * clip + 1], mirrored)
        mirrored = plain['heatmap'][:, clip].flip(-1)[:, order]
        assert torch.equal(both['heatmap'][:, 2 * clip + 1], mirrored)
    in_training = ActionPreprocessor(**SETTINGS, flip_test=True)(batch, training=True)
    assert in_training['inputs']['rgb'].shape == (3, 2, 3, 2, 32, 32)


@pytest.mark.parametrize('size', [(20, 20), (12, 26)])
def test_other_sizes_outside_of_training(size):
    settings = {'test_heatmap_size': size, 'test_frame_size': (40, 44)}
    preprocessor = ActionPreprocessor(**SETTINGS, frame_size=(28, 28), **settings)
    batch = make_batch()
    train = preprocessor(batch, training=True)['inputs']
    assert train['rgb'].shape[3:] == (28, 28)
    assert train['heatmap'].shape[3:] == (16, 16)
    test = preprocessor(batch)['inputs']
    assert test['rgb'].shape[3:] == (40, 44)
    maps = expected_maps(batch['inputs'], batch['inputs']['box'], size)
    torch.testing.assert_close(test['heatmap'], maps, rtol=0, atol=1e-4)


def test_one_stream_alone():
    batch = make_batch()
    pose = {k: v for k, v in batch['inputs'].items() if k != 'frames'}
    out = ActionPreprocessor(**SETTINGS, random_crop={})(
        {'inputs': pose}, training=True
    )
    assert set(out['inputs']) == {'heatmap'}
    assert out['data_samples'] is None
    rgb = {'frames': batch['inputs']['frames']}
    out = ActionPreprocessor(**SETTINGS)({'inputs': rgb})
    assert set(out['inputs']) == {'rgb'}
    out = ActionPreprocessor(**SETTINGS, with_kp=False)(batch)
    assert set(out['inputs']) == {'rgb'}


def test_missing_joints_are_not_drawn():
    batch = make_batch()
    whole = ActionPreprocessor(**SETTINGS)(batch)['inputs']['heatmap']
    keypoint, score = batch['inputs']['keypoint'], batch['inputs']['score']
    keypoint[0, 0, :, 0, 3] = torch.nan
    keypoint[0, 0, :, 0, 4] = 0
    score[0, 0, :, 0, 5] = 0
    keypoint[1] = 0
    out = ActionPreprocessor(**SETTINGS)(batch)['inputs']['heatmap']
    assert out.isfinite().all()
    assert not out[0, 3:6, 0].any()
    assert not out[1].any()
    assert torch.equal(out[2], whole[2])
    assert torch.equal(out[0, :3], whole[0, :3])


def test_a_batch_without_anybody():
    batch = make_batch()
    batch['inputs']['keypoint'].zero_()
    batch['inputs']['score'].zero_()
    for training in (True, False):
        out = ActionPreprocessor(**SETTINGS, random_crop={})(batch, training)
        assert not out['inputs']['heatmap'].any()


def test_persons_that_nobody_sees_change_nothing():
    batch, more = make_batch(P=1), make_batch(P=1)
    for name in ('keypoint', 'score'):
        x = more['inputs'][name]
        more['inputs'][name] = torch.cat((x, torch.zeros_like(x)), 2)
    preprocessor = ActionPreprocessor(**SETTINGS)
    out = preprocessor(batch)['inputs']['heatmap']
    assert torch.equal(preprocessor(more)['inputs']['heatmap'], out)


def test_scores_may_be_left_out():
    batch = make_batch(P=1)
    batch['inputs']['score'][0, 0, 0, 0, 2] = 0
    out = ActionPreprocessor(**SETTINGS, use_score=False)(batch)['inputs']['heatmap']
    ones = (batch['inputs']['score'] > 0).float()
    maps = expected_maps(
        {**batch['inputs'], 'score': ones}, batch['inputs']['box'], (16, 16)
    )
    torch.testing.assert_close(out, maps, rtol=0, atol=1e-4)
    assert not out[0, 2, 0].any()


def test_colours_change_in_training_only():
    batch = make_batch()
    jitter = {'brightness': 0.4, 'contrast': 0.4}
    preprocessor = ActionPreprocessor(**SETTINGS, color_jitter=jitter)
    plain = preprocessor(batch)['inputs']
    torch.manual_seed(0)
    bright = preprocessor(batch, training=True)['inputs']
    assert torch.equal(plain['heatmap'], bright['heatmap'])
    torch.manual_seed(0)
    preprocessor.geometry.draw(3, (32, 32))
    frames = preprocessor.color_jitter(batch['inputs']['frames'][:, 0].float())
    expected = normalised(frames)
    torch.testing.assert_close(bright['rgb'], expected, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(plain['rgb'], bright['rgb'], atol=0.05)


def test_a_seed_repeats():
    preprocessor = ActionPreprocessor(
        heatmap_size=(16, 16), random_crop={}, color_jitter={'hue': 0.1}
    )
    runs = []
    for _ in range(2):
        torch.manual_seed(11)
        runs.append(preprocessor(make_batch(), training=True)['inputs'])
    torch.testing.assert_close(runs[0], runs[1], rtol=0, atol=0)
    other = preprocessor(make_batch(), training=True)['inputs']
    assert not torch.equal(other['heatmap'], runs[0]['heatmap'])


def test_outside_of_training_nothing_is_drawn():
    torch.manual_seed(0)
    state = torch.get_rng_state()
    ActionPreprocessor(heatmap_size=(16, 16), random_crop={})(make_batch())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize('training', [True, False])
@pytest.mark.parametrize('dtype', [torch.uint8, torch.float32])
def test_the_batch_is_left_alone(training, dtype):
    batch, kept = make_batch(), make_batch()
    batch['inputs']['frames'] = batch['inputs']['frames'].to(dtype)
    preprocessor = ActionPreprocessor(heatmap_size=(16, 16), color_jitter={})
    preprocessor(batch, training=training)
    for name, x in kept['inputs'].items():
        assert torch.equal(batch['inputs'][name], x.to(batch['inputs'][name].dtype))


def test_memory_is_used_again_where_wanted():
    preprocessor = ActionPreprocessor(**SETTINGS, reuse_memory=True)
    fresh = ActionPreprocessor(**SETTINGS)
    seen = set()
    for seed in range(3):
        maps = preprocessor(make_batch(seed=seed))['inputs']['heatmap']
        assert torch.equal(maps, fresh(make_batch(seed=seed))['inputs']['heatmap'])
        seen.add(maps.data_ptr())
    assert len(seen) == 1


def test_other_joints_with_a_table_of_their_own():
    batch = make_batch(K=3)
    layout = {'num_joints': 3, 'flip_pairs': [(1, 2)], 'limbs': [(0, 1), (0, 2)]}
    # whole pixels of the maps, so that a joint is as high as its score
    cells = torch.randint(4, 12, (3, 1, 2, 6, 3, 2)) * 4.0
    corner = batch['inputs']['box'][:, :2].view(3, 1, 1, 1, 1, 2)
    batch['inputs']['keypoint'] = corner + cells
    preprocessor = ActionPreprocessor(
        layout=layout, heatmap_size=(16, 16), with_limb=True, flip_prob=1.0
    )
    plain = preprocessor(batch)['inputs']['heatmap']
    assert plain.shape == (3, 5, 6, 16, 16)
    flipped = preprocessor(batch, training=True)['inputs']['heatmap']
    peaks, swapped = plain.amax((3, 4)), flipped.amax((3, 4))
    torch.testing.assert_close(swapped[:, :3], peaks[:, [0, 2, 1]])
    highest = batch['inputs']['score'][:, 0].amax(1).transpose(1, 2)
    torch.testing.assert_close(peaks[:, :3], highest)


def test_contiguous_where_wanted():
    out = ActionPreprocessor(**SETTINGS, channels_last=False)(make_batch())['inputs']
    assert all(x.is_contiguous() for x in out.values())
    expected = ActionPreprocessor(**SETTINGS)(make_batch())['inputs']
    torch.testing.assert_close(out, expected, rtol=0, atol=0)


def test_a_checkpoint_carries_the_constants():
    trained = MODELS.build(
        {'type': 'ActionPreprocessor', 'mean': [1, 2, 3], 'std': [4, 5, 6], **SETTINGS}
    )
    loaded = ActionPreprocessor(**SETTINGS)
    loaded.load_state_dict(trained.state_dict())
    rgb = loaded(make_batch())['inputs']['rgb']
    assert torch.equal(rgb, trained(make_batch())['inputs']['rgb'])


@pytest.mark.parametrize('clips', [1, 2])
def test_feeds_the_recogniser(clips):
    def stream(in_channels, **settings):
        return {
            'type': 'XShiftNet',
            'in_channels': in_channels,
            'base_channels': 8,
            **settings,
        }

    model = ActionRecognizer(
        backbone={
            'type': 'EPAMNet',
            'rgb_path': stream(3, depths=(1, 1)),
            'pose_path': stream(17, depths=(1, 1), stem_stride=1, shift_div=4),
            'attention': {'type': 'PoseAttention'},
        },
        head={'type': 'TwoStreamHead', 'num_classes': 5},
        data_preprocessor={'type': 'ActionPreprocessor', **SETTINGS, 'flip_test': True},
    )
    batch = make_batch(S=clips)
    losses = model(**model.data_preprocessor(batch, True), mode='loss')
    assert losses['rgb_loss_cls'].isfinite()
    assert losses['pose_loss_cls'].isfinite()
    (scores,) = model.eval()(**model.data_preprocessor(batch), mode='predict')
    assert scores.prob_BC.shape == (3, 5)
    assert torch.equal(scores.sample_id_B, torch.arange(3) + 40)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (
            {'keypoint': (3, 1, 2, 6, 25, 2), 'score': (3, 1, 2, 6, 25)},
            'have 25 joints',
        ),
        ({'box': (3, 4)}, 'the box of video 40 is empty'),
        ({'frames': (3, 1, 4, 8, 8, 3)}, 'a multiple of .* RGB frames, got 6 and 4'),
        (
            {'frames': (3, 2, 2, 8, 8, 3)},
            r'videos and clips, got \(3, 2\) and \(3, 1\)',
        ),
    ],
)
def test_bad_batches_are_refused(change, message):
    batch = make_batch()
    inputs = batch['inputs']
    inputs.update((k, inputs[k].new_zeros(shape)) for k, shape in change.items())
    with pytest.raises(ValueError, match=message):
        ActionPreprocessor(**SETTINGS)(batch)


def test_nothing_to_prepare_is_refused():
    box = {'box': torch.ones(2, 4)}
    with pytest.raises(
        ValueError, match='hold neither frames nor keypoints .* only box'
    ):
        ActionPreprocessor()({'inputs': box})


@pytest.mark.parametrize(
    ('settings', 'message'),
    [
        ({'layout': 'body'}, 'layout must be one of .* got .body.'),
        ({'sigma': 0.0}, 'sigma must be > 0, got 0.0'),
        ({'flip_prob': -1}, r'prob must be in \[0, 1\], got -1'),
        ({'frame_size': 224}, r'frame_size must be \(height, width\) .* got 224'),
        ({'heatmap_size': (56, 0)}, r'heatmap_size must be .* got \(56, 0\)'),
        ({'test_heatmap_size': (5,)}, r'test_heatmap_size must be .* got \(5,\)'),
        (
            {'with_limb': True, 'layout': {'num_joints': 3, 'flip_pairs': []}},
            'with_limb: layout of 3 joints has no limbs',
        ),
        ({'std': (1, 0, 1)}, 'std must be > 0'),
    ],
)
def test_settings_are_checked(settings, message):
    with pytest.raises(ValueError, match=message):
        ActionPreprocessor(**settings)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs CUDA')
def test_same_draws_on_the_gpu():
    settings = {'heatmap_size': (16, 16), 'random_crop': {}, 'with_limb': True}
    preprocessor = ActionPreprocessor(**settings, color_jitter={'hue': 0.1})
    torch.manual_seed(0)
    expected = preprocessor(make_batch(), training=True)['inputs']
    torch.manual_seed(0)
    out = preprocessor.cuda()(make_batch(), training=True)['inputs']
    torch.testing.assert_close(out['rgb'].cpu(), expected['rgb'], rtol=0, atol=2e-3)
    differs = (out['heatmap'].cpu() - expected['heatmap']).abs() > 1e-4
    assert differs.float().mean() < 1e-4
