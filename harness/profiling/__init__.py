"""Where the time of a run goes: time spans collected, summarised and written as a trace."""
