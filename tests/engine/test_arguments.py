"""What the tools that load a trained model take alike."""

import sys

import pytest

from tests.calling import load_tool

NEEDED = dict(
    search=['--query', 'q'],
    serve=['--index', 'i'],
    explain=['--images', 'a.jpg'],
    extract_features=['--out', 'o'],
    export_onnx=[],
)


@pytest.mark.parametrize('name', NEEDED)
def test_tools_that_load_a_trained_model(name, monkeypatch):
    """The checkpoint may stand before the options or after them."""
    tool, last = load_tool(name), ['out.onnx'] if name == 'export_onnx' else []
    device = [] if name == 'export_onnx' else ['--device', 'cpu']
    for before, after in ((['last.pth'], []), ([], ['last.pth'])):
        monkeypatch.setattr(
            sys,
            'argv',
            [
                name,
                'run',
                *before,
                *NEEDED[name],
                '--cfg-options',
                'a.b=[1,2]',
                'c=x',
                *device,
                '--trust-checkpoint',
                *after,
                *last,
            ],
        )
        args = tool.parse_args()
        assert args.source == 'run' and args.trust_checkpoint
        assert args.cfg_options == {'a.b': [1, 2], 'c': 'x'}
        assert getattr(args, 'device', 'cpu') == 'cpu'
        assert (args.inputs if name == 'extract_features' else [args.checkpoint]) == ['last.pth']
    monkeypatch.setattr(sys, 'argv', [name, 'run', *NEEDED[name], *last])
    args = tool.parse_args()
    assert not getattr(args, 'checkpoint', None) and args.cfg_options is None
    assert not args.trust_checkpoint
