import numpy as np
import pytest

from ocec.synthesis.action_scene import (
    CAMERAS,
    Camera,
    Light,
    draw_light,
    expose,
    paint_room,
    place_camera,
)

SIZE = (160, 120)
PLAIN = Light(1.0, (1.0, 1.0, 1.0), slope=0.0, noise=0.0, ghost=0.0, dark=False)


def level_camera():
    """Stands 4 m before the stage, 1 m high, and looks along -z."""
    axes_33 = np.array([[1.0, 0, 0], [0, -1.0, 0], [0, 0, -1.0]])
    return Camera(np.array([0.0, 1.0, 4.0]), axes_33, 200.0, SIZE)


def test_projection_by_hand():
    points_42 = np.array([[0, 1, 0], [0.5, 1, 0], [0, 2, 0], [0, 0, 2.0]])
    seen_42, depth_4 = level_camera().project(points_42)
    # the middle of 160 x 120 pixels is (79.5, 59.5); 200 px * 0.5 m / 4 m = 25 px
    expected = [[79.5, 59.5], [104.5, 59.5], [79.5, 9.5], [79.5, 159.5]]
    np.testing.assert_allclose(seen_42, expected)
    np.testing.assert_allclose(depth_4, [4, 4, 4, 2])
    assert level_camera().horizon_px == pytest.approx(59.5)


@pytest.mark.parametrize('number', CAMERAS)
def test_cameras_stand_where_ntu_has_them(number):
    rng = np.random.default_rng(number)
    cameras = [place_camera(rng, number, SIZE) for _ in range(50)]
    azimuth = [np.rad2deg(np.arctan2(c.eye[0], c.eye[2])) for c in cameras]
    expected = {1: 0, 2: -45, 3: 45}[number]
    assert np.mean(azimuth) == pytest.approx(expected, abs=3)
    for camera in cameras:
        np.testing.assert_allclose(
            camera.axes_33 @ camera.axes_33.T, np.eye(3), atol=1e-12
        )
        assert np.linalg.det(camera.axes_33) == pytest.approx(1)
        feet_and_crown = np.array([[0, 0, 0], [0, 1.7, 0], [0.5, 1, 0]])
        (feet, crown, _), _ = camera.project(feet_and_crown)
        assert feet[1] > crown[1]
        assert (feet[1] - crown[1]) / 120 == pytest.approx(2 / 3, abs=0.08)
        assert 0 < crown[1] < feet[1] < 119


def test_horizon_is_where_far_points_of_eye_height_are_seen():
    camera = place_camera(np.random.default_rng(0), 3, SIZE)
    far = camera.eye + 1e6 * camera.axes_33[2] * [1, 0, 1]
    (_, row), _ = camera.project(far)
    assert camera.horizon_px == pytest.approx(row, abs=1e-3)


def test_rooms_have_the_size_asked_for_and_differ():
    camera = level_camera()
    rooms = [paint_room(np.random.default_rng(s), camera, 2) for s in (0, 0, 1)]
    assert rooms[0].shape == (240, 320, 3)
    assert rooms[0].dtype == np.uint8
    np.testing.assert_array_equal(rooms[0], rooms[1])
    assert np.abs(rooms[0].astype(int) - rooms[2]).mean() > 10


def test_light_alone_by_hand():
    painted = np.full((3, 4, 5, 3), 100, np.uint8)
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(expose(rng, painted, PLAIN), painted)
    tinted = Light(0.5, (1.2, 1.0, 3.0), slope=0.0, noise=0.0, ghost=0.0, dark=False)
    assert expose(rng, painted, tinted)[0, 0, 0].tolist() == [60, 50, 150]
    sloped = Light(1.0, (1.0, 1.0, 1.0), slope=0.5, noise=0.0, ghost=0.0, dark=False)
    assert expose(rng, painted, sloped)[0, 0, :, 0].tolist() == [50, 75, 100, 125, 150]


def test_ghosts_are_a_share_of_the_frame_before():
    painted = np.zeros((3, 2, 2, 3), np.uint8)
    painted[1] = 200
    ghostly = Light(1.0, (1.0, 1.0, 1.0), slope=0.0, noise=0.0, ghost=0.25, dark=False)
    seen = expose(np.random.default_rng(0), painted, ghostly)
    assert seen[:, 0, 0, 0].tolist() == [0, 150, 50]


def test_noise_has_its_size_and_is_another_one_in_each_frame():
    painted = np.full((4, 60, 80, 3), 128, np.uint8)
    noisy = Light(1.0, (1.0, 1.0, 1.0), slope=0.0, noise=0.02, ghost=0.0, dark=False)
    seen = expose(np.random.default_rng(0), painted, noisy).astype(float)
    # 0.02 of 255 levels, and 1/12 for the rounding
    assert seen.std() == pytest.approx(np.sqrt(5.1**2 + 1 / 12), rel=0.03)
    assert abs(np.corrcoef(seen[0].ravel(), seen[1].ravel())[0, 1]) < 0.05


def test_in_the_dark_the_noise_is_as_strong_as_the_picture():
    rng = np.random.default_rng(0)
    lights = [draw_light(rng, dark=True) for _ in range(100)]
    # two tones of 0.3 and 0.7 are 0.4 * exposure apart
    assert all(0.4 * light.exposure < light.noise for light in lights)
    assert all(light.dark for light in lights)
    bright = [draw_light(rng, dark=False) for _ in range(100)]
    assert all(0.4 * light.exposure > 8 * light.noise for light in bright)


def test_a_fourth_camera_is_refused():
    with pytest.raises(ValueError, match=r'camera must be one of \(1, 2, 3\), got 4'):
        place_camera(np.random.default_rng(0), 4, SIZE)
