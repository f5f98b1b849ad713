module attributes {pto.target_arch = "a2a3"} {
  func.func @a() {
    return
  }
}
