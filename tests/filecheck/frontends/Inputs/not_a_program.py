import pypto.language as pl


def main():
    return pl
