from ocec.apis.run_hooks.diagnostics_hook import DiagnosticsHook

__all__ = ['DiagnosticsHook']
