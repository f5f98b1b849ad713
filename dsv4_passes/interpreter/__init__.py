"""Running kernels: one interpreter over numpy bits or over lane terms."""
