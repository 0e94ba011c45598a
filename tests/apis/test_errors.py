from ocec.apis.errors import ConfigError


def test_config_error_is_a_value_error_with_the_usage_exit_code():
    assert issubclass(ConfigError, ValueError)
    assert ConfigError('x').exit_code == 2
