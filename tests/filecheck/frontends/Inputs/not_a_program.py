import pypto.language as pl

def main(): return 0
