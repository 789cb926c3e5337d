"""The description of the API: stable names, and examples that hold."""

import jsonschema
import pytest

from tests.api.desk import request, series, volunteer

OPERATIONS = {
    "acceptAssignment", "activateUser", "amendRequest", "answerRequest", "approveVolunteer", "assignRequest",
    "callBackRequest", "cancelPlan", "cancelRequest", "changeGrants", "changeOffers", "changeSeries", "changeSkills",
    "checkInAssignment", "createKey", "createPlan", "createRequest", "createSeries", "createTeam", "createTerritory",
    "createUnit", "createUser", "createVolunteer", "deactivateUser", "declineAssignment", "endSeries", "eraseRequest",
    "eraseVolunteer", "finishAssignment", "getAssignment", "getMe", "getPlan", "getPlanFile", "getPlanInstance",
    "getReport", "getRequest", "getSchedule", "getSeries", "getVolunteer", "getVolunteerData", "leaveVolunteer",
    "linkUser", "listKeys", "listPlans", "listRequests", "listSeries", "listTeams", "listTerritories", "listUnits",
    "listUsers", "listVolunteers", "livez", "logIn", "logOut", "mergeRequest", "moveTerritory", "moveVolunteer",
    "pauseVolunteer", "publishPlan", "rateRequest", "readyz", "registerVolunteer", "rejectRequest", "reopenRequest",
    "resumeRequest", "resumeVolunteer", "revokeKey", "rotateKey", "serveRequest", "triageRequest", "undoAssignment",
    "waitRequest", "withdrawAssignment",
}  # fmt: skip


@pytest.fixture(scope="module")
def described(sqlite_desk):
    return sqlite_desk.get("/openapi.json")


def operations(described):
    return [operation for path in described["paths"].values() for operation in path.values()]


def test_operations_keep_their_names(described):
    assert described["openapi"].startswith("3.1")
    assert sorted(one["operationId"] for one in operations(described)) == sorted(OPERATIONS)
    assert all(one["tags"] and one["description"] for one in operations(described))


@pytest.mark.parametrize(
    "shape",
    [
        "VolunteerCreate",
        "RequestCreate",
        "PlanCreate",
        "PlanPublish",
        "PauseAsk",
        "MoveAsk",
        "SkillsAsk",
        "TerritoryCreate",
        "TerritoryMove",
        "UnitCreate",
        "UserCreate",
        "GrantsChange",
        "KeyCreate",
        "SeriesCreate",
        "SeriesChange",
        "SeriesEnd",
        "Amend",
        "LogIn",
    ],
)
def test_examples_fit_their_schema(described, shape):
    schema = described["components"]["schemas"][shape]
    jsonschema.validate(schema["example"], {**schema, "components": described["components"]})


@pytest.mark.parametrize("path, shape, rest", [
    ("/v1/volunteers", "VolunteerCreate", volunteer()),
    ("/v1/requests", "RequestCreate", request()),
    ("/v1/series", "SeriesCreate", series()),
])  # fmt: skip
def test_the_examples_are_accepted(sqlite_desk, described, path, shape, rest):
    example = described["components"]["schemas"][shape]["example"]
    assert sqlite_desk.post(path, example, key=f"example-{shape}").status_code == 201


def test_every_answer_of_an_error_is_a_problem(described):
    for operation in operations(described):
        for status, answer in operation["responses"].items():
            if status.startswith(("4", "5")):
                assert "application/problem+json" in answer["content"], operation["operationId"]


def test_every_reference_leads_somewhere(described):
    def references(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            node = list(node.values())
        for below in node if isinstance(node, list) else []:
            yield from references(below)

    known = {f"#/components/schemas/{name}" for name in described["components"]["schemas"]}
    assert set(references(described)) <= known
