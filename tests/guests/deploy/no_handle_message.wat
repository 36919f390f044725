;; Everything but the handler.
(module
  @include agent)
