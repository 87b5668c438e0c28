"""Figures of audits and sweeps."""
