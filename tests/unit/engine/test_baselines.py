"""What incidents do to what is expected."""

import numpy as np

from l4m.engine.baselines import mask_learning
from l4m.engine.evidence.accounts import Kinds
from l4m.engine.hierarchy.index import HierarchyIndex
from l4m.engine.hierarchy.rollups import Rollups
from l4m.engine.settings import Settings
from l4m.model import Measure

LEAVES = [("DE", "app"), ("DE", "web"), ("FR", "app")]


def test_rollups_learn_what_would_have_come_without_the_incident() -> None:
    cube = Rollups(2, True)
    cube.add(LEAVES)
    index = HierarchyIndex.of(Settings(3_600, (Measure("m"),), ("country", "device")), cube)
    kinds = Kinds(*(np.array([one]) for one in (True, False, True, False)))
    masked = np.array([[True], [False], [False]])
    gone = np.array([[-30.0], [5.0], [7.0]], np.float32)
    weights = np.ones((len(index.nodes), 1), np.float32)
    mask = mask_learning(index, kinds, masked, young=np.zeros(3, np.bool_), gone=gone, weights=weights)
    arrays = list(vars(mask).values())
    assert arrays[0].tolist() == [int(index.leaf_nodes[0])]
    corrected = {index.nodes[node]: float(change) for node, change in zip(arrays[1].tolist(), arrays[2].tolist(), strict=True)}
    assert corrected == {("*", "*"): 30.0, ("DE", "*"): 30.0, ("*", "app"): 30.0}
