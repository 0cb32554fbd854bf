"""Writes scipy-cubic.json: cubic splines by scipy's CubicSpline, an independent implementation.

Run: python3 scipy-cubic.py > scipy-cubic.json   (scipy 1.17.1, numpy 2.4.6)
"""

import json

import numpy as np
import scipy
from scipy.interpolate import CubicSpline

generator = np.random.default_rng(2)
cases = []
for points in (2, 3, 4, 5, 13, 47):
    for boundary in ("natural", "clamped", "not-a-knot", "periodic"):
        x = np.cumsum(generator.uniform(0.1, 2.0, points)) - 3.0
        y = generator.normal(size=points)
        if boundary == "periodic":
            y[-1] = y[0]
        slopes = generator.normal(size=2)
        kind = ((1, slopes[0]), (1, slopes[1])) if boundary == "clamped" else boundary
        s = CubicSpline(x, y, bc_type=kind)
        t = np.sort(generator.uniform(x[0], x[-1], 17))
        cases.append(
            {
                "boundary": boundary,
                "x": x.tolist(),
                "y": y.tolist(),
                "slopes": slopes.tolist(),
                "t": t.tolist(),
                "values": s(t).tolist(),
                "derivatives": s(t, 1).tolist(),
                "integral": float(s.integrate(t[2], t[11])),
                "roots": s.roots(extrapolate=False).tolist(),
            }
        )
print(json.dumps({"scipy": scipy.__version__, "cases": cases}))
