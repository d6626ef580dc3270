module pki-vigil.example/bench/peers

go 1.26.0

require (
	github.com/klauspost/compress v1.19.0
	github.com/transparency-dev/formats v0.1.1
	golang.org/x/crypto v0.58.0
	golang.org/x/mod v0.36.0
)

require filippo.io/mldsa v0.0.0-20260215214346-43d0283efc3e // indirect
