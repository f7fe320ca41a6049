"""Profiles as data, one TOML file per family of models; `proxy.profiles` reads them."""
