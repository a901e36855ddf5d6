"""The models of the API's requests and answers: validated on the way in, and the OpenAPI document is made of them.

There is a file for each part of the desk. Times are epoch milliseconds. What the command line prints with --json stands
here as it is there, as an open object.
"""
