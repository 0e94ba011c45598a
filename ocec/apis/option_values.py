"""Values of ``--cfg-options``: text in, literals out, nothing evaluated.

Imports the standard library only, so that a tool has its help text at once.
"""

import ast
import io
import tokenize
import warnings
from typing import Any

CFG_OPTIONS_HELP = (
    'change the config: KEY=VALUE ..., may be given several times. Keys: '
    'train_cfg.max_epochs, train_pipeline.1.prob, hooks[0].interval, '
    'pipeline[type=RandomFlip].prob. Values: 3, 1e-3, none, true, word, "3" (text), '
    '2,3 (a list), [1,2], dict(type=Adam, lr=0.1); a dict is merged into the one '
    'that is there unless its type differs or it has _delete_=True'
)
WORDS = {'none': None, 'null': None, 'true': True, 'false': False}
OPENING = {'[': ']', '(': ')', '{': '}'}


def parse_value(text: str) -> Any:
    """Read one value; what is no literal stays a string.

    Args:
        text: as typed: a literal, ``none``/``null``/``true``/``false`` in any case,
            ``dict(a=1, b=[2])``, ``2,3`` (a list) or a bare word.

    Returns:
        The literal, or the text itself without surrounding blanks.

    Raises:
        ValueError: a bracket is not closed, or a container holds a call other than
            ``dict(key=value)``.

    Example:
        >>> parse_value('2,3'), parse_value('0123'), parse_value('dict(a=none)')
        ([2, 3], '0123', {'a': None})
    """
    text = text.strip()
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    node = _parse(text)
    if node is None:
        return _value_of_unparsable(text)
    if isinstance(node, ast.Tuple) and not _is_enclosed(text):
        return [_literal(item, text) for item in node.elts]
    if _is_call_of(node, 'dict') or not isinstance(node, ast.Call):
        return _literal(node, text)
    return text


def _parse(text: str) -> ast.expr | None:
    """Return the expression, None when it is not one or holds a comment."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # '"\d"' and '0or1' warn
            node = ast.parse(text, mode='eval').body
            tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    # 'run#3' is a name, not a name with a comment
    has_comment = any(token.type == tokenize.COMMENT for token in tokens)
    return None if has_comment else node


def _value_of_unparsable(text: str) -> Any:
    """Give ``[01, b c]`` and ``01,02`` their lists, keep the rest as text."""
    if text.startswith(('dict(', '{')):
        raise ValueError(f'{text} is not a valid dict; write dict(key=value, ...)')
    if text[:1] in OPENING and _split_items(text) is None:
        raise ValueError(
            f'{text} has brackets that do not match; '
            f"""to pass it as text, quote it twice: '"{text}"'"""
        )
    if _is_enclosed(text) and text[0] in '[(':
        items = [parse_value(item) for item in _split_items(text[1:-1]) or []]
        return tuple(items) if text[0] == '(' else items
    items = _split_items(text)
    if items is not None and len(items) > 1:
        return [parse_value(item) for item in items]
    return text


def _split_items(text: str) -> list[str] | None:
    """Split at the commas outside brackets; None when brackets do not match."""
    items, expected, start = [], [], 0
    for position, char in enumerate(text):
        if char in OPENING:
            expected.append(OPENING[char])
        elif char in OPENING.values() and (not expected or expected.pop() != char):
            return None
        elif char == ',' and not expected:
            items.append(text[start:position])
            start = position + 1
    return None if expected else [*items, text[start:]]


def _is_enclosed(text: str) -> bool:
    """Whether one pair of brackets surrounds the whole text."""
    if not text or OPENING.get(text[0]) != text[-1]:
        return False
    expected = []
    for position, char in enumerate(text):
        if char in OPENING:
            expected.append(OPENING[char])
        elif char in OPENING.values():
            if expected.pop() != char:  # within quotes, or it does not match at all
                return True
            if not expected:
                return position == len(text) - 1
    return False


def _literal(node: ast.expr, source: str) -> Any:
    """Turn one node into its value; a node that is no literal stays text."""
    text = ast.get_source_segment(source, node) or ast.unparse(node)
    if isinstance(node, ast.Name | ast.Constant) and text.lower() in WORDS:
        return WORDS[text.lower()]
    if isinstance(node, ast.Constant | ast.UnaryOp):
        return _scalar(node, text)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        container = {ast.List: list, ast.Tuple: tuple, ast.Set: set}[type(node)]
        return container(_literal(item, source) for item in node.elts)
    if isinstance(node, ast.Dict):
        return _dict_from_braces(node, source)
    if isinstance(node, ast.Call):
        return _dict_from_call(node, source)
    return text


def _scalar(node: ast.expr, text: str) -> Any:
    try:
        value = ast.literal_eval(node)
    except ValueError:
        return text
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    # 2024_11 is a name, though Python reads it as 202411
    if is_number and '_' not in text:
        return value
    return value if isinstance(value, str) else text


def _dict_from_braces(node: ast.Dict, source: str) -> dict:
    if None in node.keys:
        raise ValueError(f'{source}: ** is not allowed in a value')
    keys = [_literal(key, source) for key in node.keys if key is not None]
    _refuse_repeated(keys, source)
    values = (_literal(value, source) for value in node.values)
    return dict(zip(keys, values, strict=True))


def _dict_from_call(node: ast.Call, source: str) -> dict:
    keys = [keyword.arg for keyword in node.keywords]
    if not _is_call_of(node, 'dict') or node.args or None in keys:
        call = ast.get_source_segment(source, node)
        raise ValueError(
            f'{source}: only literals and dict(key=value, ...) are allowed in a '
            f'value, got {call}'
        )
    _refuse_repeated(keys, source)
    return {keyword.arg: _literal(keyword.value, source) for keyword in node.keywords}


def _refuse_repeated(keys: list, source: str) -> None:
    repeated = sorted({str(key) for key in keys if keys.count(key) > 1})
    if repeated:
        raise ValueError(f'{source}: key {", ".join(repeated)} is given twice')


def _is_call_of(node: ast.expr, name: str) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == name
    )
