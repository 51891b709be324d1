"""UnitType: the codes of planned work, and how each is measured."""

from __future__ import annotations

from django.db import models


class UnitCategory(models.TextChoices):
    """What kind of work a code stands for."""

    LINE = "VLG", "Line trim"
    AREA = "VAR", "Area"
    TREE = "VCT", "Tree"
    NO_WORK = "VNW", "No work"
    SENSITIVE = "VSA", "Sensitive area"


class Measurement(models.TextChoices):
    """What is counted of a unit besides the unit itself."""

    LINEAR_FT = "linear_ft", "Linear feet"
    ACRES = "acres", "Acres"
    TREES = "trees", "Trees"
    NONE = "none", "Nothing"


MEASUREMENT_OF = {
    UnitCategory.LINE: Measurement.LINEAR_FT,
    UnitCategory.AREA: Measurement.ACRES,
    UnitCategory.TREE: Measurement.TREES,
    UnitCategory.NO_WORK: Measurement.NONE,
    UnitCategory.SENSITIVE: Measurement.NONE,
}


class UnitType(models.Model):
    """A unit code of this installation, opaque and case-sensitive. Codes without a row measure nothing.

    `dbh_min` and `dbh_max` are the trunk diameters, in inches, that the code is for.
    """

    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=10, choices=UnitCategory.choices)
    measurement_type = models.CharField(max_length=20, choices=Measurement.choices)
    dbh_min = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    dbh_max = models.DecimalField(max_digits=5, decimal_places=1, null=True, blank=True)
    species = models.CharField(max_length=50, blank=True, default="")
    sort_order = models.PositiveIntegerField(default=100)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("sort_order", "code")
        verbose_name = "unit type"

    def __str__(self) -> str:
        return self.code
