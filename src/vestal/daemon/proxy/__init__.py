"""Requests to services with the token put in: the way for programs that can do nothing but send plain HTTP."""
