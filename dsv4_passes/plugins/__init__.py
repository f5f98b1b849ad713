"""The passes where kernels are compiled: inside pypto, and in front of ptoas."""
