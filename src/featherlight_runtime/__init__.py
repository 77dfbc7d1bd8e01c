"""Loads and runs a compiled network with Python and NumPy alone: `load("net.flight")(image)`."""

from featherlight_runtime.errors import FlightError
from featherlight_runtime.flight import load
from featherlight_runtime.network import Network
from featherlight_runtime.program import Array, Program

__version__ = "0.1.0"
__all__ = ["Array", "FlightError", "Network", "Program", "load"]
