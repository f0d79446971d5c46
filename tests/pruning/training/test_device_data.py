from __future__ import annotations

import pytest
import torch
from pruning_support import blobs

from pruning.samples.scaling import Scaling
from pruning.training.device_data import DeviceData, Gatherer

PIXELS = torch.randint(0, 256, (9, 3, 2, 2), generator=torch.Generator().manual_seed(0)).byte()
ROWS = torch.rand(9, 4, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("stored", "scaling"),
    [
        (PIXELS, Scaling()),
        (PIXELS, Scaling((1.0, 2.0, 3.0), (255.0, 25.0, 2.5))),
        (ROWS, Scaling((0.0,), (1.0,))),
        (ROWS, Scaling((0.1, 0.2, 0.3, 0.4), (1.0, 2.0, 3.0, 4.0))),
    ],
)
def test_samples_are_scaled_as_scaling_says_to_the_bit(
    stored: torch.Tensor, scaling: Scaling
) -> None:
    before = stored.clone()
    gather = Gatherer(stored, scaling, 4)
    for index in (torch.tensor([8, 0, 3, 3]), torch.tensor([1, 2, 3, 4])):
        assert torch.equal(gather(index), scaling(stored[index]).flatten(1))
    assert torch.equal(stored, before)


def test_a_cpu_shares_the_memory_of_the_data_read_only_or_not() -> None:
    splits = blobs()
    for writeable in (True, False):
        splits.train.images.flags.writeable = writeable
        data = DeviceData.of(splits, "cpu")
        assert data.train_images.data_ptr() == splits.train.images.ctypes.data
