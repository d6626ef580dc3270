module pki-vigil.example/bench/certificate

go 1.26.0
