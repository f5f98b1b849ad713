"""What passes ask about a kernel: lane terms and the facts derived from them."""
