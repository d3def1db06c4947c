"""The vector index keeps workspaces apart and points idempotent."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from qdrant_client import QdrantClient, models

from knowledge import index
from knowledge.encoding import encode_document, encode_query
from knowledge.engines import Found
from knowledge.index import Point
from omnisupport.lib.errors import Unavailable

ONE, TWO = uuid.uuid4(), uuid.uuid4()


def point(text: str, document_id: uuid.UUID = ONE, *, number: int = 1, version: int = 1, dense=None) -> Point:
    return Point(document_id, version, number, number + 100 * version, encode_document(text), dense)


def found(schema: str, question: str, **options) -> list[tuple[uuid.UUID, int]]:
    hits = index.search(schema, encode_query(question), 10, **options)
    return [(hit.document_id, hit.chunk_id) for hit in hits.words]


def test_the_nearest_passage_comes_first():
    index.upsert_chunks("t_a", [point("возврат денег на карту"), point("доставка курьером по городу", number=2)])
    assert found("t_a", "когда вернут деньги")[0] == (ONE, 101)
    assert found("t_a", "курьер")[0] == (ONE, 102)


def test_workspaces_see_only_their_own():
    index.upsert_chunks("t_a", [point("возврат денег")])
    index.upsert_chunks("t_b", [point("возврат денег", TWO)])
    assert found("t_a", "возврат") == [(ONE, 101)]
    assert found("t_b", "возврат") == [(TWO, 101)]
    index.drop_tenant("t_a")
    assert (index.count("t_a"), index.count("t_b")) == (0, 1)


def test_a_foreign_point_is_an_error_and_never_an_answer():
    stray = Found("1", 1.0, {"tenant": "t_b", "document_id": str(ONE), "chunk_id": 1})
    with pytest.raises(index.ForeignPoint):
        index._hit("t_a", stray)


def test_the_same_point_twice_is_one():
    for _ in range(2):
        index.upsert_chunks("t_a", [point("возврат денег")])
    assert index.count("t_a") == 1


def test_deleting_by_document_and_by_version():
    index.upsert_chunks("t_a", [point("один"), point("один", version=2), point("два", TWO)])
    index.delete_document("t_a", ONE, except_version=2)
    assert index.count("t_a", document_id=ONE) == 1
    index.delete_document("t_a", ONE, only_version=2)
    assert (index.count("t_a", document_id=ONE), index.count("t_a")) == (0, 1)
    index.delete_document("t_a", TWO)
    assert index.count("t_a") == 0


def test_search_can_be_narrowed_to_documents():
    index.upsert_chunks("t_a", [point("возврат денег"), point("возврат товара", TWO)])
    assert found("t_a", "возврат", document_ids=[TWO]) == [(TWO, 101)]
    assert found("t_a", "возврат", document_ids=[]) == []


def test_a_dense_leg_is_searched_beside_the_words():
    points = [point("возврат", dense=[1.0, 0.0]), point("доставка", number=2, dense=[0.0, 1.0])]
    index.upsert_chunks("t_a", points, "model-2-v1")
    hits = index.search("t_a", encode_query("возврат"), 10, dense=[0.1, 0.9], space="model-2-v1")
    assert [hit.chunk_id for hit in hits.words] == [101]
    assert [hit.chunk_id for hit in hits.dense] == [102, 101]
    assert index.count("t_a") == 0  # another space


def test_points_outlive_the_process():
    index.upsert_chunks("t_a", [point("возврат денег")])
    index.close()
    assert found("t_a", "возврат") == [(ONE, 101)]


def test_a_folder_held_by_another_process_is_said_clearly():
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import fcntl, os, sys; os.makedirs(sys.argv[1], exist_ok=True); lock = open(sys.argv[1] + '/.lock', 'w');"
            " fcntl.flock(lock, fcntl.LOCK_EX); print('held', flush=True); sys.stdin.read()",
            django_settings.QDRANT_PATH,
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Unavailable) as error:
            index.count("t_a")
        assert error.value.code == "index_locked"
    finally:
        holder.communicate()
    assert index.count("t_a") == 0


def test_points_of_the_engine_before_are_taken_over():
    vector = encode_document("возврат денег")
    old = QdrantClient(path=django_settings.QDRANT_PATH)
    old.create_collection(
        "t_a__words-v1",
        vectors_config={},
        sparse_vectors_config={"words": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    payload = {"tenant": "t_a", "document_id": str(ONE), "version": 1, "chunk_id": 101}
    words = models.SparseVector(indices=vector.indices, values=vector.values)
    old.upsert("t_a__words-v1", [models.PointStruct(id=str(TWO), vector={"words": words}, payload=payload)])
    old.close()
    assert found("t_a", "возврат") == [(ONE, 101)]
    index.close()
    assert found("t_a", "возврат") == [(ONE, 101)]
    assert not (Path(django_settings.QDRANT_PATH) / "before").exists()
