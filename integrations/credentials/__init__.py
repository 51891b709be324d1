"""Secrets of connections: encrypted at rest, chosen by rule, marked when they stop working."""
