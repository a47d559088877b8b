"""The five given articles are not ours to change."""

import hashlib
from pathlib import Path

SEEDS = Path(__file__).parents[1] / "seeds"
SHA256 = {
    "000_0c968cba595d11b1.txt": "948711fd067d13ad0a65ae821bc9ff30e2eeef861ecc9d716feb21eae4c8c840",
    "001_b93cd10eda9988a7.txt": "73fc0ec20eda4169c3c142d578c36bde96fb59db462d7f2297c73fa5a672e2d1",
    "002_c79990d1d70106f7.txt": "d05184214c8b8f176814716fa2f55de1727da193d5ad8cc6eb618033da94f56c",
    "003_6b36a17d40a337a5.txt": "2138d5623ae7df20cc4c545047e3090f82ee6c308d64409d263fa31c7bfecdf1",
    "004_22323238f36f44e2.txt": "8ef214c75e4e6488ff29c12ec6d7f77f5c0962211e18323e09074e784c695833",
}


def test_seeds_are_byte_for_byte_as_given() -> None:
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in SEEDS.glob("*.txt")}
    assert found == SHA256
