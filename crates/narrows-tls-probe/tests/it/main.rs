//! The prober against servers that break in every way, each on loopback.
