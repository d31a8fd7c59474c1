import numpy as np

from drumkit_cli.arrange.tone import HERTZ, HIGH_SHARE, LOW_SHARE, balance_db, master, shelves


def test_shelves_change_the_balance_by_so_many_decibels():
    power = np.where((HERTZ < 80) | (HERTZ > 9000), 1.0, 0.0)[:, None] * np.ones((256, 8))
    power[100] = 1
    before, after = balance_db(power), balance_db(power * shelves(6.0, -3.0))
    np.testing.assert_allclose(np.subtract(after, before), [6, -3], atol=0.1)


def test_drums_without_body_and_with_hiss_get_the_balance_of_recorded_ones():
    power = np.full((256, 40), 1.0, np.float32)
    power[HERTZ > 6000] = 3
    power[HERTZ < 150] = 6
    mastered = master(power).sum(1)
    shares = [mastered[where].sum() / mastered.sum() for where in (HERTZ < 150, HERTZ > 6000)]
    assert abs(shares[0] - LOW_SHARE) < 0.1
    assert abs(shares[1] - HIGH_SHARE) < 0.05


def test_drums_of_that_balance_stay():
    power = np.full((256, 40), 1.0, np.float32)
    power[HERTZ < 150] = 20
    power[HERTZ > 6000] = 0.1
    np.testing.assert_allclose(master(power), power, rtol=1e-6)
