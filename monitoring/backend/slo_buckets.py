# Generated from monitoring/src/catalogue.rs by `cargo xtask codegen`. Edits here are lost.
LATENCY_BUCKETS_SECONDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.8, 1,)
