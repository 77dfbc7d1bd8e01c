"""Times on devices that are not at hand: networks cut into pieces, the pieces timed there, networks predicted here."""

from featherlight.latency.bundle import Packed, pack
from featherlight.latency.by_rows import pieces_of
from featherlight.latency.here import ENGINES, expected_minutes, time_here, time_networks
from featherlight.latency.listing import Member
from featherlight.latency.piece import Piece, pieces
from featherlight.latency.table import LatencyTable, Prediction, read_table

__all__ = [
    "ENGINES",
    "LatencyTable",
    "Member",
    "Packed",
    "Piece",
    "Prediction",
    "expected_minutes",
    "pack",
    "pieces",
    "pieces_of",
    "read_table",
    "time_here",
    "time_networks",
]
