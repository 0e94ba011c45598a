import numpy as np
import pytest
import torch

from ocec.apis.browse_actions_clips import delivered_clip, raw_clip
from ocec.apis.infer_action_model import ActionModel, predict_batch
from ocec.apis.run_config import load_run_config
from ocec.datasets.video_reader import read_frames
from ocec.registry import DATASETS, MODELS

YELLOW = np.array([250, 240, 40])


def build(run, loader='test', *options):
    cfg = load_run_config(run.config, cfg_options=options)
    settings = cfg.model.data_preprocessor
    return DATASETS.build(cfg[f'{loader}_dataloader'].dataset), MODELS.build(settings)


def centre_of_square(image_HWC):
    """Of what is nearest to yellow, weighted; the clips show a square on the nose."""
    away_HW = np.abs(image_HWC.astype(float) - YELLOW).sum(axis=2)
    weight_HW = (250 - away_HW).clip(min=0)
    ys, xs = np.mgrid[: image_HWC.shape[0], : image_HWC.shape[1]]
    return np.array([(xs * weight_HW).sum(), (ys * weight_HW).sum()]) / weight_HW.sum()


def test_a_test_clip_is_what_the_dataset_gives(make_action_run):
    run = make_action_run()
    dataset, preprocessor = build(run)
    clip = delivered_clip(dataset, 0, preprocessor, training=False)
    frames = dataset[0]['inputs']['frames'][0, 0].numpy()
    np.testing.assert_array_equal(clip.frames_THWC, frames)
    assert (clip.name, clip.label) == ('a', 0)
    assert clip.captions == ['pose frame 0/6', 'pose frame 2/6', 'pose frame 4/6']
    assert clip.facts == []
    assert clip.prob_C is None
    assert clip.attention_Thw is None
    # 6 pose frames, of which the pictures are every second
    made = preprocessor({'inputs': dataset[0]['inputs']}, False)['inputs']
    expected = made['heatmap'][0].amax(0)[::2].numpy()
    np.testing.assert_array_equal(clip.heat_Thw, expected)


@pytest.mark.parametrize('seed', range(6))
def test_joints_follow_crops_and_mirrors(make_action_run, seed):
    run = make_action_run()
    dataset, preprocessor = build(run, 'train')
    torch.manual_seed(seed)
    clip = delivered_clip(dataset, 0, preprocessor, training=True)
    assert any(fact.startswith('crop ') for fact in clip.facts)
    side = clip.frames_THWC.shape[1]
    num_seen = 0
    for image, keypoint in zip(clip.frames_THWC, clip.keypoint_TPK2, strict=True):
        nose = keypoint[0, 0]
        if (nose > 6).all() and (nose < side - 6).all():
            num_seen += 1
            np.testing.assert_allclose(centre_of_square(image), nose, atol=2)
    assert num_seen or seed != 0
    # the heatmap of the network has its peaks there, too
    for level, keypoint, score in zip(
        clip.heat_Thw, clip.keypoint_TPK2, clip.score_TPK, strict=True
    ):
        x_K, y_K = keypoint[0].T * (level.shape[0] / side)
        if 'mirrored' in clip.facts:  # pictures and maps about their own middle
            x_K = level.shape[1] - 1 - (side - 1 - keypoint[0, :, 0]) / 4
        place_K2 = np.rint(np.stack([x_K, y_K], 1)).astype(int)
        inside = ((place_K2 >= 0) & (place_K2 < level.shape[0])).all(axis=1)
        assert inside.sum() > 3
        for (x, y), value in zip(place_K2[inside], score[0][inside], strict=True):
            # half a pixel away in both: exp(-(0.25 + 0.25) / (2 * 0.6**2))
            assert level[y, x] > 0.49 * value


def test_mirrored_bodies_change_sides(make_action_run):
    run = make_action_run(with_rgb=False)
    settings = 'model.data_preprocessor.random_crop=None'
    plain, mirrored = (
        delivered_clip(
            *_first(build(run, 'test', settings, f'{FLIP}={prob}')), training=True
        )
        for prob in (0.0, 1.0)
    )
    assert mirrored.facts == ['mirrored']
    assert plain.facts == []
    width = plain.frames_THWC.shape[2]
    # left and right wrist are joints 9 and 10 of COCO
    expected = width - 1 - plain.keypoint_TPK2[:, :, 10, 0]
    found = mirrored.keypoint_TPK2[:, :, 9, 0]
    np.testing.assert_allclose(found, expected, atol=1e-3)


FLIP = 'model.data_preprocessor.flip_prob'


def _first(parts):
    dataset, preprocessor = parts
    return dataset, 0, preprocessor


def test_answers_and_attention(make_action_run):
    run = make_action_run()
    dataset, _ = build(run)
    network = ActionModel(run.checkpoint).network
    clip = delivered_clip(
        dataset, 1, network.data_preprocessor, training=False, network=network
    )
    expected = predict_batch(network, dataset[1])[0]
    np.testing.assert_allclose(clip.prob_C, expected, atol=1e-6)
    made = network.data_preprocessor({'inputs': dataset[1]['inputs']}, False)['inputs']
    with torch.inference_mode():
        weights = network.backbone.attention_weights(made['heatmap'], 3)[0].numpy()
    np.testing.assert_allclose(clip.attention_Thw, weights, atol=1e-6)
    raw = raw_clip(dataset, 1, network.data_preprocessor, network=network)
    np.testing.assert_allclose(raw.prob_C, expected, atol=1e-6)


def test_poses_alone_are_on_black(make_action_run):
    run = make_action_run(with_rgb=False)
    dataset, preprocessor = build(run)
    clip = delivered_clip(dataset, 1, preprocessor, training=False)
    assert clip.frames_THWC.shape == (6, 224, 224, 3)
    assert not clip.frames_THWC.any()
    assert clip.keypoint_TPK2.shape == (6, 2, 17, 2)
    assert len(clip.captions) == 6


def test_raw_clips_are_the_files(make_action_run):
    run = make_action_run()
    dataset, preprocessor = build(run)
    clip = raw_clip(dataset, 0, preprocessor)
    numbers = [int(caption.split()[1]) for caption in clip.captions]
    assert clip.captions[0].startswith('frame ')
    assert clip.facts == ['as in the files', '20 frames']
    frames = np.stack(list(read_frames(run.video('a'), numbers)))
    np.testing.assert_array_equal(clip.frames_THWC, frames)
    keypoint, _ = dataset.table.skeletons(0)
    expected = keypoint[:, numbers].swapaxes(0, 1)
    np.testing.assert_allclose(clip.keypoint_TPK2, expected, atol=1e-3)
    np.testing.assert_allclose(clip.box, dataset[0]['inputs']['box'][0], atol=1e-3)
    for image, joints in zip(clip.frames_THWC, clip.keypoint_TPK2, strict=True):
        # squares are drawn at whole pixels
        place = joints[0, 0].astype(int)
        np.testing.assert_allclose(centre_of_square(image), place, atol=1)


def test_raw_poses_alone(make_action_run):
    run = make_action_run(with_rgb=False)
    dataset, preprocessor = build(run)
    clip = raw_clip(dataset, 2, preprocessor)  # of one frame
    # 48 x 64 pixels drawn 224 high
    assert clip.frames_THWC.shape == (1, 224, 299, 3)
    keypoint, _ = dataset.table.skeletons(2)
    expected = keypoint[0, 0].astype(float) * (299 / 64, 224 / 48)
    np.testing.assert_allclose(clip.keypoint_TPK2[0, 0], expected, rtol=1e-4)
