"""Leads Google's client libraries in this process to a Trainyard server:  trainyard.init()"""
from trainyard.server import Server, ServerNotFound, init

__all__ = ["Server", "ServerNotFound", "init"]
