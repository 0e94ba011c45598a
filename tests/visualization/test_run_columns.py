from ocec.visualization.run_columns import COLUMNS


def test_columns_of_a_file_have_names_of_their_own():
    keys = [column.key for column in COLUMNS]
    assert len(set(keys)) == len(keys)
    assert all(key.isidentifier() for key in keys)  # of CSV columns


def test_help_and_titles_name_no_placeholder_but_the_metric():
    for column in COLUMNS:
        for text in (column.title, column.help):
            assert '{' not in text.format(metric='f1')
        assert column.better in ('greater', 'less', '')
        assert not column.help.endswith('.')
