module pki-vigil.example/bench/crl

go 1.26.0
