"""Every setting, declared once, and the forms, validation and documentation that are made from the declaration.

Values only: settings in force are kept by the store, and pages show the forms.
"""

from router_core.settings.declaration import ArmSettings, GoalSettings, Settings
from router_core.settings.routers import ClassifierSettings, ContextualSettings, HeuristicSettings
from router_core.settings.system import (
    CallSettings,
    PriceSettings,
    PrivacySettings,
    ProviderSettings,
    SimulationSettings,
)

__all__ = [
    "ArmSettings",
    "CallSettings",
    "ClassifierSettings",
    "ContextualSettings",
    "GoalSettings",
    "HeuristicSettings",
    "PriceSettings",
    "PrivacySettings",
    "ProviderSettings",
    "Settings",
    "SimulationSettings",
]
